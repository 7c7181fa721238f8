#include "tests/fuzz/callers.h"

#include <algorithm>

namespace relais::fuzz {

const std::vector<CallerSpec>& Callers() {
  static const auto* const kCallers =
      new std::vector<CallerSpec>{{"desk", "ville-paris", "dsol", "assistant-social", "agent-1"},
                                  {"desk2", "ville-paris", "dsol", "educateur", "agent-2"},
                                  {"steward", "ville-paris", "steward", "gestionnaire-identites", "agent-3"},
                                  {"dpo", "ville-paris", "dpo", "delegue-protection-donnees", "agent-4"},
                                  {"caf", "caf", "droits", "conseiller-droits", "agent-5"},
                                  {"aphp", "aphp", "pass", "medecin", "agent-6"},
                                  {"crip", "crip75", "desk", "assistant-social", "agent-7"},
                                  {"emmaus", "emmaus", "maraude", "maraudeur", "agent-8"},
                                  {"edf", "edf", "billing", "gestionnaire-factures", "agent-9"},
                                  {"edfdpo", "edf", "dpo", "delegue-protection-donnees", "agent-10"},
                                  {"bspp", "bspp", "dispatch", "officier-sapeur-pompier", "agent-11"},
                                  {"auditor", "auditor", "suite", "auditeur", "agent-12"},
                                  {"operator", "operator", "ops", "exploitant", "agent-13"},
                                  {"alerting", "", "alerting", "", ""},
                                  {"routing", "", "routing", "", ""}};
  return *kCallers;
}

const CallerSpec* FindCaller(std::string_view name) {
  const auto at =
      std::find_if(Callers().begin(), Callers().end(), [&](const auto& spec) { return spec.name == name; });
  return at == Callers().end() ? nullptr : &*at;
}

rpc::Caller Authenticated(const CallerSpec& spec, const directory::Directory& directory) {
  rpc::Caller caller;
  caller.certificate = std::string(64, 'c');
  if (spec.institution.empty()) {
    caller.kind = rpc::Caller::Kind::kService;
    caller.service = spec.system;
    caller.roles = {common::v1::ROLE_SERVICE};
    return caller;
  }
  caller.institution = spec.institution;
  caller.system = spec.system;
  caller.roles = rpc::RolesOf(*directory.FindInstitution(spec.institution)->FindSystem(spec.system));
  return caller;
}

}  // namespace relais::fuzz
