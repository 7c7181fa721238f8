// The rules of lint.h, by subject.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/directory/directory.h"
#include "common/directory/lint.h"

namespace relais::directory::internal {

class Problems {
 public:
  void Error(std::string path, std::string message) {
    list_.push_back({std::move(path), Severity::kError, std::move(message)});
  }
  void Warning(std::string path, std::string message) {
    list_.push_back({std::move(path), Severity::kWarning, std::move(message)});
  }
  [[nodiscard]] std::vector<Problem> Take() { return std::move(list_); }

 private:
  std::vector<Problem> list_;
};

/// Reports the second and later uses of a name.
class Unique {
 public:
  Unique(Problems& problems, std::string what) : problems_(problems), what_(std::move(what)) {}

  void Add(const std::string& name, const std::string& path) {
    if (!seen_.insert(name).second) {
      problems_.Error(path, absl::StrCat(what_, " '", name, "' is repeated"));
    }
  }

 private:
  Problems& problems_;
  std::string what_;
  std::set<std::string> seen_;
};

void LintInstitutions(const Directory& directory, Problems& problems);
void LintDesks(const Directory& directory, Problems& problems);
void LintFunctions(const Directory& directory, Problems& problems);
void LintProtocols(const Directory& directory, Problems& problems);
void LintCodeLists(const Directory& directory, Problems& problems);
/// Header, logs, revocations, auditors, authorisations, collective addresses.
void LintRecords(const Directory& directory, Problems& problems);

/// 64 lower-case hexadecimal digits.
[[nodiscard]] bool IsSha256Hex(const std::string& text);
/// Lower-case hexadecimal without leading zero.
[[nodiscard]] bool IsSerial(const std::string& text);

/// The matter that no purpose may serve and that `text` (a code or a label) names; empty: none.
[[nodiscard]] std::string ForbiddenMatter(const std::string& text);

}  // namespace relais::directory::internal
