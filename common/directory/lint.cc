#include "common/directory/lint.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/directory/internal/lint_rules.h"
#include "common/directory/parse.h"

namespace relais::directory {

std::string Problem::ToString() const {
  return absl::StrCat(severity == Severity::kError ? "error: " : "warning: ", path, ": ", message);
}

std::vector<Problem> Lint(const Directory& directory) {
  internal::Problems problems;
  internal::LintRecords(directory, problems);
  internal::LintInstitutions(directory, problems);
  internal::LintDesks(directory, problems);
  internal::LintFunctions(directory, problems);
  internal::LintProtocols(directory, problems);
  internal::LintCodeLists(directory, problems);
  return problems.Take();
}

absl::StatusOr<Directory> ParseAndLint(std::string_view yaml) {
  ASSIGN_OR_RETURN(Directory directory, ParseDirectory(yaml));
  std::vector<std::string> errors;
  for (const Problem& problem : Lint(directory)) {
    if (problem.severity == Severity::kError) {
      errors.push_back(problem.ToString());
    }
  }
  if (!errors.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("directory:\n", absl::StrJoin(errors, "\n")));
  }
  return directory;
}

}  // namespace relais::directory
