#include "services/consent/handlers/telling_erased.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/status.h"
#include "relais/audit/v1/leaf.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/erased_notices.h"
#include "services/consent/handlers/permits_given.h"

namespace relais::consent {
namespace {

bool OnAnything(common::v1::Ground /*ground*/, const std::string& /*basis*/) { return true; }

// What institutions received of one name, by its leaves in their order.
class Received {
 public:
  void Add(const audit::OpenedLeaf& leaf) {
    if (const std::optional<v1::CheckDecided> check = PermitIn(leaf)) {
      for (std::string& category : CategoriesOn(leaf, *check, OnAnything)) {
        permitted_[check->recipient().institution()][{leaf.leaf.header.purpose(), std::move(category)}] =
            leaf.index;
      }
      return;
    }
    v1::ErasureAsked asked;
    v1::ErasureAnswered answered;
    audit::v1::EraseRequested requested;
    if (leaf.details.payload().UnpackTo(&asked)) {
      asked_[asked.notice_id()] = std::move(asked);
    } else if (leaf.details.payload().UnpackTo(&answered)) {
      answers_[answered.notice_id()] = answered.outcome();
    } else if (leaf.details.payload().UnpackTo(&requested)) {
      by_ = leaf.leaf.header.institution();
      cause_ = requested.erasure_id();
    }
  }

  [[nodiscard]] std::vector<ErasedNotice> NoticesOf(const rpc::ServiceContext& context, const Id128& person) {
    LeaveOutWhatIsGone();
    std::vector<ErasedNotice> notices;
    for (const auto& [institution, items] : permitted_) {
      if (!items.empty() && institution != by_) {
        notices.push_back(
            {ErasedNoticeId(context, person, institution), person, institution, ItemsTo(items), cause_});
      }
    }
    return notices;
  }

 private:
  void LeaveOutWhatIsGone() {
    for (const auto& [notice, outcome] : answers_) {
      const auto asked = asked_.find(notice);
      if (outcome == v1::ERASURE_OUTCOME_KEPT || asked == asked_.end()) {
        continue;
      }
      PermittedItems& items = permitted_[asked->second.institution()];
      for (const v1::ErasureItem& item : asked->second.items()) {
        for (const std::string& category : item.categories()) {
          const auto permit = items.find({item.purpose(), category});
          if (permit != items.end() && permit->second < asked->second.cause_leaf()) {
            items.erase(permit);
          }
        }
      }
    }
  }

  std::map<std::string, PermittedItems> permitted_;    // by recipient
  std::map<std::string, v1::ErasureAsked> asked_;      // by notice
  std::map<std::string, v1::ErasureOutcome> answers_;  // by notice, the last
  std::string by_;                                     // who asked for this erasure
  std::string cause_;                                  // its id, as her leaf says it
};

absl::StatusOr<std::vector<ErasedNotice>> NoticesFor(Registry& registry, const Id128& person) {
  audit::Log& log = registry.context.log;
  ASSIGN_OR_RETURN(const std::vector<uint64_t> leaves, LeavesOfNames(log, {person}));
  Received received;
  int64_t damaged = 0;
  for (const uint64_t index : leaves) {  // one by one: who can be told is told
    const absl::Status read =
        ForEachLeaf(log, {index}, [&received](const audit::OpenedLeaf& leaf) { received.Add(leaf); });
    if (absl::IsDataLoss(read)) {
      ++damaged;
      continue;
    }
    RETURN_IF_ERROR(read);
  }
  if (damaged > 0) {
    log::Error("leaves about somebody who is erased do not open: who received by them is not told",
               {log::Field::Count("leaves", damaged)});
  }
  return received.NoticesOf(registry.context, person);
}

}  // namespace

Task<absl::Status> TellOfErasure(Registry& registry, Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<ErasedNotice> notices, NoticesFor(registry, person));
  for (const ErasedNotice& notice : notices) {
    const absl::Status told = co_await MakeErasedNotice(registry, notice);
    CO_RETURN_IF_ERROR(told);
  }
  co_return absl::OkStatus();
}

}  // namespace relais::consent
