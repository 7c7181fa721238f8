#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/directory/codes.h"
#include "common/directory/internal/lint_rules.h"

namespace relais::directory::internal {
namespace {

bool IsCode(const std::string& text) {
  return !text.empty() && text.size() <= 64 && text.front() >= 'A' && text.front() <= 'Z' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; });
}

template <size_t N>
void CheckList(const char* list, const std::vector<CodeEntry>& entries,
               const std::array<std::string_view, N>& expected, Problems& problems) {
  Unique codes(problems, "code");
  for (const CodeEntry& entry : entries) {
    const std::string path = absl::StrCat(list, "[", entry.code, "]");
    codes.Add(entry.code, path);
    if (!IsCode(entry.code)) {
      problems.Error(path + ".code", "must be capitals, digits and '_'");
    }
  }
  for (const std::string_view code : expected) {
    if (std::none_of(entries.begin(), entries.end(),
                     [&](const CodeEntry& entry) { return entry.code == code; })) {
      problems.Warning(list, absl::StrCat("the usual code ", std::string(code), " is not there"));
    }
  }
}

void CheckPurpose(const CodeEntry& entry, Problems& problems) {
  const std::string path = absl::StrCat("purposes[", entry.code, "]");
  const std::pair<const char*, const std::string*> texts[] = {
      {".code", &entry.code}, {".fr", &entry.fr}, {".en", &entry.en}};
  for (const auto& [key, text] : texts) {
    if (const std::string matter = ForbiddenMatter(*text); !matter.empty()) {
      problems.Error(path + key, absl::StrCat("no purpose may serve ", matter));
    }
  }
}

void CheckCategory(const CodeEntry& entry, Problems& problems) {
  const std::string path = absl::StrCat("categories[", entry.code, "]");
  if (IsOneOf(entry.code, kSpecialCategories) && !entry.special_category) {
    problems.Error(path + ".special_category", "is a special category (D-2.7)");
  }
  if (entry.code == kOffenceCategory && !entry.offence) {
    problems.Error(path + ".offence", "is data on offences (D-2.7)");
  }
}

void CheckSign(const CodeEntry& entry, Problems& problems) {
  const std::string path = absl::StrCat("signs[", entry.code, "]");
  if (IsOneOf(entry.code, kSpecialSigns) && !entry.special_category) {
    problems.Error(path + ".special_category", "reveals a special category (D-4.6)");
  }
  if (entry.weight == 0) {
    problems.Error(path + ".weight", "is missing");
  }
  if (entry.publics.empty()) {
    problems.Error(path + ".publics", "must name at least one");
  }
  for (const std::string& audience : entry.publics) {
    if (!IsOneOf(audience, kPublics)) {
      problems.Error(path + ".publics", absl::StrCat("'", audience, "' is not a public"));
    }
  }
}

}  // namespace

void LintCodeLists(const Directory& directory, Problems& problems) {
  const Content& content = directory.content();
  CheckList("purposes", content.purposes, kExpectedPurposes, problems);
  CheckList("categories", content.categories, kExpectedCategories, problems);
  CheckList("signs", content.signs, kExpectedSigns, problems);
  for (const CodeEntry& entry : content.purposes) {
    CheckPurpose(entry, problems);
  }
  for (const CodeEntry& entry : content.categories) {
    CheckCategory(entry, problems);
  }
  for (const CodeEntry& entry : content.signs) {
    CheckSign(entry, problems);
  }
}

}  // namespace relais::directory::internal
