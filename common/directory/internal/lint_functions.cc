#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/directory/codes.h"
#include "common/directory/internal/lint_rules.h"
#include "common/pki/spiffe.h"

namespace relais::directory::internal {
namespace {

bool OnlySubmits(const Function& function) {
  return std::all_of(function.may.begin(), function.may.end(),
                     [](const std::string& capability) { return capability == "SUBMIT_SIGNAL"; });
}

bool AppliesTo(const Function& function, const Institution& institution) {
  const auto contains = [](const std::vector<std::string>& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  return contains(function.kinds, institution.kind) || contains(function.institutions, institution.id);
}

void CheckFunction(const Directory& directory, const Function& function, const std::string& path,
                   Problems& problems) {
  if (!pki::IsValidId(function.id)) {
    problems.Error(path + ".id", "must be lower-case letters, digits and '-'");
  }
  if (function.kinds.empty() && function.institutions.empty()) {
    problems.Error(path, "must name the kinds or institutions it applies to");
  }
  for (const std::string& kind : function.kinds) {
    if (!IsOneOf(kind, kInstitutionKinds)) {
      problems.Error(path + ".kinds", absl::StrCat("'", kind, "' is not a kind of institution"));
    }
    if (MayOnlyRequestContact(kind) && !OnlySubmits(function)) {
      problems.Error(path + ".may", absl::StrCat("a ", kind, " reads nothing: SUBMIT_SIGNAL only"));
    }
  }
  for (const std::string& id : function.institutions) {
    const Institution* institution = directory.FindInstitution(id);
    if (institution == nullptr) {
      problems.Error(path + ".institutions", absl::StrCat("no institution '", id, "'"));
    } else if (MayOnlyRequestContact(institution->kind) && !OnlySubmits(function)) {
      problems.Error(path + ".may", absl::StrCat(id, " reads nothing: SUBMIT_SIGNAL only"));
    }
  }
  for (const std::string& capability : function.may) {
    if (!IsOneOf(capability, kCapabilities)) {
      problems.Error(path + ".may", absl::StrCat("'", capability, "' is not a capability"));
    }
  }
}

}  // namespace

void LintFunctions(const Directory& directory, Problems& problems) {
  const auto& functions = directory.content().functions;
  Unique uses(problems, "function");
  for (const Function& function : functions) {
    const std::string path = absl::StrCat("functions[", function.id, "]");
    CheckFunction(directory, function, path, problems);
    // One id may mean different things in different institutions, never in the same one.
    for (const Institution& institution : directory.content().institutions) {
      if (AppliesTo(function, institution)) {
        uses.Add(absl::StrCat(institution.id, "/", function.id), path);
      }
    }
  }
}

}  // namespace relais::directory::internal
