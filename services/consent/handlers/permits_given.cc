#include "services/consent/handlers/permits_given.h"

#include <algorithm>

#include "common/base/status.h"
#include "services/consent/store.h"

namespace relais::consent {
namespace {

constexpr size_t kLeavesAtOnce = 500;

bool RestsOn(const v1::CheckDecided& check, const Bases& bases) {
  return bases.contains(check.consent_id()) ||
         std::any_of(check.bases().begin(), check.bases().end(),
                     [&](const v1::CategoryBasis& basis) { return bases.contains(basis.consent_id()); });
}

bool IsPermit(const audit::v1::LeafHeader& header) {
  return header.event_class() == audit::v1::EVENT_CLASS_CHECK_DECIDED &&
         header.decision() == common::v1::DECISION_PERMIT && !header.exercise();
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> LeavesOfNames(audit::Log& log, const std::vector<Id128>& names) {
  std::vector<uint64_t> all;
  for (const Id128& name : names) {
    for (uint64_t from = 0;;) {
      ASSIGN_OR_RETURN(const std::vector<uint64_t> some,
                       log.LeavesOf(PersonSubject(name), from, kLeavesAtOnce));
      if (some.empty()) {
        break;
      }
      all.insert(all.end(), some.begin(), some.end());
      from = some.back() + 1;
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

absl::Status ForEachPermitOn(
    audit::Log& log, const std::vector<uint64_t>& leaves, uint64_t before, const Bases& bases,
    const std::function<void(const audit::OpenedLeaf&, const v1::CheckDecided&)>& each) {
  const auto end = std::lower_bound(leaves.begin(), leaves.end(), before);
  for (auto from = leaves.begin(); from != end;) {
    const auto to = from + std::min<std::ptrdiff_t>(end - from, kLeavesAtOnce);
    ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, log.OpenAt({from, to}));
    for (const audit::OpenedLeaf& leaf : opened) {
      v1::CheckDecided check;
      if (IsPermit(leaf.leaf.header) && leaf.details.payload().UnpackTo(&check) && RestsOn(check, bases)) {
        each(leaf, check);
      }
    }
    from = to;
  }
  return absl::OkStatus();
}

std::vector<std::string> CategoriesOn(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check,
                                      const Bases& bases) {
  std::vector<std::string> categories;
  if (check.bases().empty()) {  // all rest on the one
    categories.assign(leaf.leaf.header.categories().begin(), leaf.leaf.header.categories().end());
    return categories;
  }
  for (const v1::CategoryBasis& basis : check.bases()) {
    if (bases.contains(basis.consent_id())) {
      categories.push_back(basis.category());
    }
  }
  return categories;
}

}  // namespace relais::consent
