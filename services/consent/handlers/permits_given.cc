#include "services/consent/handlers/permits_given.h"

#include <algorithm>
#include <utility>

#include "common/audit/readable_leaves.h"
#include "common/base/status.h"
#include "services/consent/store.h"

namespace relais::consent {
namespace {

constexpr size_t kLeavesAtOnce = 500;

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

absl::Status ForEachLeaf(audit::Log& log, const std::vector<uint64_t>& leaves,
                         const std::function<void(const audit::OpenedLeaf&)>& each) {
  for (auto from = leaves.begin(); from != leaves.end();) {
    const auto to = from + std::min<std::ptrdiff_t>(leaves.end() - from, kLeavesAtOnce);
    ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> opened, log.OpenAt({from, to}));
    std::for_each(opened.begin(), opened.end(), each);
    from = to;
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> ForEachReadable(audit::Log& log, const std::vector<uint64_t>& leaves,
                                       const std::function<void(const audit::OpenedLeaf&)>& each) {
  size_t unreadable = 0;
  for (auto from = leaves.begin(); from != leaves.end();) {
    const auto to = from + std::min<std::ptrdiff_t>(leaves.end() - from, kLeavesAtOnce);
    ASSIGN_OR_RETURN(const audit::ReadableLeaves read, audit::OpenReadable(log, {from, to}));
    std::for_each(read.leaves.begin(), read.leaves.end(), each);
    unreadable += read.unreadable.size();
    from = to;
  }
  return unreadable;
}

std::optional<v1::CheckDecided> PermitIn(const audit::OpenedLeaf& leaf) {
  const audit::v1::LeafHeader& header = leaf.leaf.header;
  v1::CheckDecided check;
  if (header.event_class() != audit::v1::EVENT_CLASS_CHECK_DECIDED ||
      header.decision() != common::v1::DECISION_PERMIT || header.exercise() ||
      !leaf.details.payload().UnpackTo(&check)) {
    return std::nullopt;
  }
  return check;
}

MeantBasis OnAnyOf(std::set<std::string> bases) {
  return [bases = std::move(bases)](common::v1::Ground /*ground*/, const std::string& basis) {
    return bases.contains(basis);
  };
}

MeantBasis OnAnyAgreement() {
  return [](common::v1::Ground ground, const std::string& /*basis*/) {
    return ground == common::v1::GROUND_AGREEMENT;
  };
}

std::vector<std::string> CategoriesOn(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check,
                                      const MeantBasis& meant) {
  std::vector<std::string> categories;
  const audit::v1::LeafHeader& header = leaf.leaf.header;
  if (check.bases().empty()) {  // all rest on the one
    if (meant(header.ground(), check.consent_id())) {
      categories.assign(header.categories().begin(), header.categories().end());
    }
    return categories;
  }
  for (const v1::CategoryBasis& basis : check.bases()) {
    if (meant(basis.ground(), basis.consent_id())) {
      categories.push_back(basis.category());
    }
  }
  return categories;
}

Question QuestionOf(const audit::OpenedLeaf& leaf, const v1::CheckDecided& check) {
  Question question;
  question.sender = check.sender().institution();
  question.sender_function = check.sender().function();
  question.recipient = check.recipient().institution();
  question.recipient_function = check.recipient().function();
  question.purpose = leaf.leaf.header.purpose();
  question.act = check.act();
  question.stated.source_reference = check.source_reference();
  return question;
}

google::protobuf::RepeatedPtrField<v1::ErasureItem> ItemsTo(const PermittedItems& items) {
  google::protobuf::RepeatedPtrField<v1::ErasureItem> said;
  for (const auto& [item, leaf] : items) {
    if (said.empty() || said.rbegin()->purpose() != item.first) {
      said.Add()->set_purpose(item.first);
    }
    said.rbegin()->add_categories(item.second);
  }
  return said;
}

}  // namespace relais::consent
