// Notices: to DPOs, that one of their institution's agents was searched for in a log of the suite, or that
// their institution did not judge an emergency in time (D-2.6.6); to who proposed a référent pivot, that he
// is no longer the only active one, or is again; to who may act for somebody in the vault, that it closes
// (D-3.4, ADR 64). They are messages about no person, so that no question is
// put to consent: the institution is told of itself.
#pragma once

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "common/rpc/call.h"
#include "services/routing/store.h"

namespace relais::routing {

/// Leaves AGENT_SEARCHED of any log → a message at the desk of the DPO of the institution whose agent it was,
/// as the directory in force names it (`dpo.desk`). Leaves EMERGENCY_REVIEW_OVERDUE of consent's log → one at
/// that of the DPO of the institution that owes the review; where he has none, at that institution's first
/// desk, and without any an error in the operators' log. Leaves of the own log that tell of several active
/// référents (D-5.2) → a message at a desk of the institution that proposed the one the leaf names. A leaf
/// CLOSURE_ANNOUNCED of the vault's log → one at a desk of each institution of which somebody may act for a
/// person in the vault (KEEP_PAPERS). Thread-safe.
class Notices {
 public:
  Notices(const rpc::ServiceContext& context, const RoutingStore& store, const calendar::Paris& paris)
      : context_(context), store_(store), paris_(paris) {}

  static bool Concerns(const audit::FollowedLeaf& leaf) {
    return leaf.header.event_class() == audit::v1::EVENT_CLASS_AGENT_SEARCHED ||
           leaf.header.event_class() == audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE ||
           leaf.header.event_class() == audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED;
  }
  /// One message for each such leaf, however often it is followed; its MESSAGE_SUBMITTED leaf has that one's
  /// event id. Nothing of a search for an institution that names no desk of its DPO: the leaf itself is all
  /// there is. Nor for a leaf about a person that is addressed to nobody: one about another name of hers, of
  /// a review that is told by the name that was asked. Nor of a closure whose last day is past.
  Task<absl::Status> Tell(std::string service, audit::FollowedLeaf leaf);
  /// One message for each such leaf about `person`, however often it is followed: it names the référent whom
  /// that institution proposed, and no other, nor her. It goes with her (RoutingStore::NoticesOf). Nothing
  /// for an institution without a desk.
  Task<absl::Status> TellConflict(Id128 person, audit::FollowedLeaf leaf);

 private:
  Task<absl::Status> TellClosure(audit::FollowedLeaf leaf);
  Task<absl::Status> TellOnce(std::string kind, std::string name, Id128 event_id, v1::MessageState message);
  Task<absl::Status> Queue(Id128 id, v1::MessageState message, Id128 event_id);

  const rpc::ServiceContext& context_;
  const RoutingStore& store_;
  const calendar::Paris& paris_;
};

/// A log that is followed for these leaves alone.
class NoticeLeaves final : public audit::LeafHandler {
 public:
  NoticeLeaves(std::string service, Notices& notices) : service_(std::move(service)), notices_(notices) {}

  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override {
    return Notices::Concerns(leaf);
  }
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  const std::string service_;
  Notices& notices_;
};

/// A system that is a DPO's and no professional's: at her desk it reads notices, and nothing about persons.
[[nodiscard]] bool ReadsNoticesAlone(const rpc::Caller& caller);

}  // namespace relais::routing
