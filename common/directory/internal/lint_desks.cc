#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/directory/codes.h"
#include "common/directory/internal/lint_rules.h"
#include "common/pki/spiffe.h"

namespace relais::directory::internal {
namespace {

bool ReceivesSerious(const Directory& directory, const Desk& desk) {
  const auto& protocols = directory.content().protocols;
  return std::any_of(protocols.begin(), protocols.end(), [&](const Protocol& protocol) {
    return protocol.signal == kDistressReport &&
           std::find(protocol.events.begin(), protocol.events.end(), "SERIOUS") != protocol.events.end() &&
           directory.IsRecipient(protocol, desk);
  });
}

// A PROFESSIONAL system; at the desk of its institution's DPO hers will do, for notices are all it reads.
void CheckSystem(const Institution& institution, const Desk& desk, const std::string& path,
                 Problems& problems) {
  const System* system = institution.FindSystem(desk.system);
  if (system != nullptr && system->HasRole("PROFESSIONAL")) {
    return;
  }
  if (system == nullptr || !system->HasRole("DPO") || institution.dpo.desk != desk.id) {
    problems.Error(path + ".system",
                   absl::StrCat("'", desk.system, "' is not a PROFESSIONAL system of ", desk.institution));
  } else if (!desk.relief_only) {
    problems.Error(path + ".flags",
                   "a desk that a DPO's system serves is RELIEF_ONLY: no message about a "
                   "person is to be sent there");
  }
}

void CheckOwner(const Directory& directory, const Desk& desk, const std::string& path, Problems& problems) {
  const Institution* institution = directory.FindInstitution(desk.institution);
  if (institution == nullptr) {
    problems.Error(path + ".institution", absl::StrCat("no institution '", desk.institution, "'"));
    return;
  }
  if (OnlySends(institution->kind)) {
    problems.Error(path, absl::StrCat("a ", institution->kind, " reads nothing and so has no desk"));
    return;
  }
  if (!desk.system.empty()) {
    CheckSystem(*institution, desk, path, problems);
  }
  const bool served = std::any_of(institution->systems.begin(), institution->systems.end(),
                                  [](const System& candidate) { return candidate.HasRole("PROFESSIONAL"); });
  if (desk.system.empty() && !served) {
    problems.Error(path, absl::StrCat("no PROFESSIONAL system of ", desk.institution, " can serve it"));
  }
  if (desk.departmental_social_service && institution->kind != "DEPARTEMENT_SOCIAL") {
    problems.Error(path + ".flags",
                   "DEPARTMENTAL_SOCIAL_SERVICE needs an institution of kind DEPARTEMENT_SOCIAL");
  }
  if (desk.communal_cosigner && institution->kind != "VILLE" && institution->kind != "CCAS") {
    problems.Error(path + ".flags", "COMMUNAL_COSIGNER needs an institution of kind VILLE or CCAS");
  }
}

void CheckChain(const Directory& directory, const Desk& desk, const std::string& path, Problems& problems) {
  Unique steps(problems, "desk");
  for (const std::string& next : desk.escalation) {
    const std::string chain = path + ".escalation";
    steps.Add(next, chain);
    if (next == desk.id) {
      problems.Error(chain, "a desk does not escalate to itself");
    } else if (directory.FindDesk(next) == nullptr) {
      problems.Error(chain, absl::StrCat("no desk '", next, "'"));
    }
  }
  if (!desk.on_call.empty()) {
    const Desk* on_call = directory.FindDesk(desk.on_call);
    if (on_call == nullptr) {
      problems.Error(path + ".on_call", absl::StrCat("no desk '", desk.on_call, "'"));
    } else if (on_call == &desk) {
      problems.Error(path + ".on_call", "a desk is not its own on-call desk");
    } else if (on_call->hours != calendar::OpeningHours::Always()) {
      problems.Error(path + ".on_call", absl::StrCat("'", desk.on_call, "' is not open 24/7"));
    }
    return;
  }
  if (desk.hours != calendar::OpeningHours::Always() && ReceivesSerious(directory, desk)) {
    problems.Error(path + ".on_call", "a desk that receives serious reports needs an on-call desk (D-4.5)");
  }
}

void CheckDesk(const Desk& desk, const std::string& path, Problems& problems) {
  if (!pki::IsValidId(desk.id)) {
    problems.Error(path + ".id", "must be lower-case letters, digits and '-'");
  }
  if (desk.publics.empty()) {
    problems.Error(path + ".publics", "must name at least one");
  }
  for (const std::string& audience : desk.publics) {
    if (!IsOneOf(audience, kPublics)) {
      problems.Error(path + ".publics", absl::StrCat("'", audience, "' is not a public"));
    }
  }
  if (desk.arrondissements.empty()) {
    problems.Error(path + ".arrondissements", "must name at least one, or [ALL]");
  }
  if (desk.contact.phone.empty() && desk.contact.email.empty()) {
    problems.Warning(path + ".contact", "no contact privilégié can be reached");
  }
}

// Relief desks stand in for others: they do not fill a territory.
void CheckCoverage(const Directory& directory, Problems& problems) {
  for (int code = kFirstArrondissement; code <= kLastArrondissement; ++code) {
    const auto& desks = directory.content().desks;
    if (std::none_of(desks.begin(), desks.end(), [&](const Desk& desk) {
          return desk.departmental_social_service && !desk.relief_only && desk.Serves("ADULT") &&
                 desk.Covers(code);
        })) {
      problems.Warning("desks", absl::StrCat("no departmental social service desk for adults in ", code));
    }
  }
}

}  // namespace

void LintDesks(const Directory& directory, Problems& problems) {
  Unique ids(problems, "desk");
  for (const Desk& desk : directory.content().desks) {
    const std::string path = absl::StrCat("desks[", desk.id, "]");
    ids.Add(desk.id, path);
    CheckDesk(desk, path, problems);
    CheckOwner(directory, desk, path, problems);
    CheckChain(directory, desk, path, problems);
  }
  CheckCoverage(directory, problems);
}

}  // namespace relais::directory::internal
