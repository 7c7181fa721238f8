#include <string>

#include "absl/strings/str_cat.h"
#include "common/directory/codes.h"
#include "common/directory/internal/lint_rules.h"
#include "common/pki/spiffe.h"

namespace relais::directory::internal {
namespace {

int LuhnSum(const std::string& digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int value = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) {
      value *= 2;
    }
    sum += value > 9 ? value - 9 : value;
  }
  return sum;
}

// D-6.4: Luhn on all digits and on the first nine; La Poste's may have a digit sum divisible by 5 instead.
bool IsSiret(const std::string& text) {
  if (text.size() != 14 || text.find_first_not_of("0123456789") != std::string::npos) {
    return false;
  }
  if (LuhnSum(text.substr(0, 9)) % 10 != 0) {
    return false;
  }
  int plain = 0;
  for (const char c : text) {
    plain += c - '0';
  }
  return LuhnSum(text) % 10 == 0 || (text.starts_with("356000000") && plain % 5 == 0);
}

class InstitutionsLint {
 public:
  InstitutionsLint(const Directory& directory, Problems& problems)
      : directory_(directory),
        problems_(problems),
        ids_(problems, "institution"),
        mappings_(problems, "certificate mapping") {}

  void Check(const Institution& institution) {
    const std::string path = absl::StrCat("institutions[", institution.id, "]");
    ids_.Add(institution.id, path);
    if (!pki::IsValidId(institution.id)) {
      problems_.Error(path + ".id", "must be lower-case letters, digits and '-'");
    }
    if (!IsOneOf(institution.kind, kInstitutionKinds)) {
      problems_.Error(path + ".kind", absl::StrCat("'", institution.kind, "' is not a kind of institution"));
    }
    if (!institution.siret.empty() && !IsSiret(institution.siret)) {
      problems_.Error(path + ".siret", "is not a SIRET number");
    }
    CheckResponsibility(institution, path);
    CheckDpoDesk(institution, path + ".dpo.desk");
    Unique systems(problems_, "system");
    for (const System& system : institution.systems) {
      const std::string system_path = absl::StrCat(path, ".systems[", system.id, "]");
      systems.Add(system.id, system_path);
      CheckSystem(institution, system, system_path);
      CheckMappings(system, system_path);
    }
  }

 private:
  void CheckResponsibility(const Institution& institution, const std::string& path) {
    if (institution.controller.empty()) {
      problems_.Error(path + ".controller", "is missing: who is responsible for the processing?");
    }
    if (institution.dpo.email.empty()) {
      problems_.Error(path + ".dpo", "is missing: notices to the person's defender go there");
    }
    if (institution.dpia.empty()) {
      problems_.Warning(path + ".dpia", "no impact assessment is named");
    }
  }

  // Where notices to the DPO arrive (a search for one of her institution's agents).
  void CheckDpoDesk(const Institution& institution, const std::string& path) {
    if (institution.dpo.desk.empty()) {
      return;
    }
    const Desk* desk = directory_.FindDesk(institution.dpo.desk);
    if (desk == nullptr) {
      problems_.Error(path, absl::StrCat("no desk '", institution.dpo.desk, "'"));
    } else if (desk->institution != institution.id) {
      problems_.Error(path, absl::StrCat("'", desk->id, "' is a desk of ", desk->institution));
    } else if (desk->system.empty()) {
      problems_.Warning(path, "any PROFESSIONAL system of the institution reads there: name its system");
    }
  }

  void CheckSystem(const Institution& institution, const System& system, const std::string& path) {
    if (!pki::IsValidId(system.id)) {
      problems_.Error(path + ".id", "must be lower-case letters, digits and '-'");
    }
    const std::string roles = path + ".roles";
    if (system.roles.empty()) {
      problems_.Error(roles, "must name at least one role");
    }
    for (const std::string& role : system.roles) {
      if (!IsOneOf(role, kRoles)) {
        problems_.Error(roles, absl::StrCat("'", role, "' is not a role"));
      } else if (MayOnlyRequestContact(institution.kind) && role != "SIGNAL_SENDER") {
        problems_.Error(roles, absl::StrCat("employers and landlords read nothing: no ", role));
      } else if (OnlySends(institution.kind) && (role == "PROFESSIONAL" || role == "STEWARD")) {
        problems_.Error(roles, absl::StrCat("a ", institution.kind, " sends and does not read: no ", role));
      } else if ((role == "AUDITOR" && institution.kind != "AUDITOR") ||
                 (role == "OPERATOR" && institution.kind != "OPERATOR")) {
        problems_.Error(roles, absl::StrCat(role, " is for institutions of that kind"));
      }
    }
    for (const char* apart : {"STEWARD", "AUDITOR", "OPERATOR"}) {
      if (system.HasRole(apart) && system.roles.size() > 1) {
        problems_.Error(roles, absl::StrCat(apart, " must be a system apart, without another role"));
      }
    }
  }

  void CheckMappings(const System& system, const std::string& path) {
    if (!system.spiffe && system.certificates.empty()) {
      problems_.Error(path + ".certificates", "nothing identifies this system");
    }
    for (size_t i = 0; i < system.certificates.size(); ++i) {
      const CertificateMapping& mapping = system.certificates[i];
      const std::string item = absl::StrCat(path, ".certificates[", i, "]");
      const bool by_key = !mapping.key_pin.empty() && mapping.issuer.empty() && mapping.dns.empty();
      const bool by_name = mapping.key_pin.empty() && !mapping.issuer.empty() && !mapping.dns.empty();
      if (by_key == by_name) {
        problems_.Error(item, "must be a key_pin alone, or an issuer with a dns name");
      } else if (by_key && !IsSha256Hex(mapping.key_pin)) {
        problems_.Error(item + ".key_pin", "must be 64 lower-case hexadecimal digits");
      } else {
        mappings_.Add(by_key ? mapping.key_pin : absl::StrCat(mapping.issuer, " ", mapping.dns), item);
      }
    }
  }

  const Directory& directory_;
  Problems& problems_;
  Unique ids_;
  Unique mappings_;
};

}  // namespace

void LintInstitutions(const Directory& directory, Problems& problems) {
  InstitutionsLint lint(directory, problems);
  for (const Institution& institution : directory.content().institutions) {
    lint.Check(institution);
  }
  if (directory.content().institutions.empty()) {
    problems.Error("institutions", "there is none");
  }
}

}  // namespace relais::directory::internal
