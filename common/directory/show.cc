#include "common/directory/show.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

namespace relais::directory {
namespace {

// The ids of `directory`'s desks that `other` has too, in order.
std::vector<std::string> CommonDesks(const Directory& directory, const Directory& other) {
  std::vector<std::string> ids;
  for (const Desk& desk : directory.content().desks) {
    if (other.FindDesk(desk.id) != nullptr) {
      ids.push_back(desk.id);
    }
  }
  return ids;
}

}  // namespace

std::vector<std::string> Diff(const Directory& a, const Directory& b) {
  std::vector<std::string> lines;
  const auto& old_values = a.content().flat;
  const auto& new_values = b.content().flat;
  auto left = old_values.begin();
  auto right = new_values.begin();
  while (left != old_values.end() || right != new_values.end()) {
    if (right == new_values.end() || (left != old_values.end() && left->first < right->first)) {
      lines.push_back(absl::StrCat("- ", left->first, ": ", left->second));
      ++left;
    } else if (left == old_values.end() || right->first < left->first) {
      lines.push_back(absl::StrCat("+ ", right->first, ": ", right->second));
      ++right;
    } else {
      if (left->second != right->second) {
        lines.push_back(absl::StrCat("~ ", left->first, ": ", left->second, " → ", right->second));
      }
      ++left;
      ++right;
    }
  }
  if (const std::vector<std::string> order = CommonDesks(b, a); order != CommonDesks(a, b)) {
    lines.push_back(absl::StrCat("~ desks: order is now ", absl::StrJoin(order, ", ")));
  }
  return lines;
}

std::vector<std::string> Show(const Directory& directory, std::string_view prefix) {
  std::vector<std::string> lines;
  const auto& values = directory.content().flat;
  const std::string start(prefix);
  for (auto it = values.lower_bound(start); it != values.end() && it->first.starts_with(start); ++it) {
    lines.push_back(absl::StrCat(it->first, ": ", it->second));
  }
  return lines;
}

std::vector<std::string> Summary(const Directory& directory) {
  const Content& content = directory.content();
  std::vector<std::string> lines;
  lines.push_back(absl::StrCat("directory ", content.trust_domain, ", version ", content.version, ", until ",
                               absl::FormatTime(absl::RFC3339_sec, content.not_after, absl::UTCTimeZone())));
  lines.push_back(absl::StrCat(content.institutions.size(), " institutions, ", content.desks.size(),
                               " desks, ", content.functions.size(), " functions, ", content.protocols.size(),
                               " protocols"));
  lines.push_back(absl::StrCat(content.purposes.size(), " purposes, ", content.categories.size(),
                               " categories, ", content.signs.size(), " signs"));
  lines.push_back(absl::StrCat(content.logs.size(), " logs, ", content.revocations.size(),
                               " revoked certificates, ", content.collective_addresses.size(),
                               " collective addresses"));
  if (!content.witnesses.keys.empty()) {
    lines.push_back(
        absl::StrCat(content.witnesses.keys.size(), " witnesses, quorum ", content.witnesses.quorum));
  }
  for (const Institution& institution : content.institutions) {
    const std::string systems =
        absl::StrJoin(institution.systems, ", ", [](std::string* out, const System& system) {
          absl::StrAppend(out, system.id, " (", absl::StrJoin(system.roles, ", "), ")");
        });
    const size_t desks = directory.DesksOf(institution.id).size();
    lines.push_back(
        absl::StrCat("  ", institution.id, "  ", institution.kind, "  ", systems,
                     desks == 0 ? "" : absl::StrCat("  ", desks, desks == 1 ? " desk" : " desks")));
  }
  return lines;
}

}  // namespace relais::directory
