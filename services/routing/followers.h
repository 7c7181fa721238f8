// What routing makes of the logs it follows: its own (inbox pointers, proposals to référents) and consent's
// (revocations).
#pragma once

#include "common/audit/follower.h"
#include "services/routing/courier.h"

namespace relais::routing {

/// Routing's own log → pointers in inboxes, links from persons to undelivered messages.
class OwnLeaves final : public audit::LeafHandler {
 public:
  OwnLeaves(const rpc::ServiceContext& context, RoutingStore& store, Inbox& inbox, Courier& courier,
            Revocations& revocations)
      : context_(context), store_(store), inbox_(inbox), courier_(courier), revocations_(revocations) {}

  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> Reindex(Id128 message);

  const rpc::ServiceContext& context_;
  RoutingStore& store_;
  Inbox& inbox_;
  Courier& courier_;
  Revocations& revocations_;
};

/// Consent's log → what may no longer be sent. A revoking leaf is effective here as soon as it is applied:
/// the person's permits are void before anything else is done.
class ConsentLeaves final : public audit::LeafHandler {
 public:
  ConsentLeaves(const rpc::ServiceContext& context, RoutingStore& store, Courier& courier,
                Revocations& revocations)
      : context_(context), store_(store), courier_(courier), revocations_(revocations) {}

  /// Set before following starts: pull-back waits until routing's own pointers are complete.
  void UseOwn(audit::Follower* own) { own_ = own; }

  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<void> PullBackAll(Id128 person);

  const rpc::ServiceContext& context_;
  RoutingStore& store_;
  Courier& courier_;
  Revocations& revocations_;
  audit::Follower* own_ = nullptr;
};

/// Which event classes of routing's log a peer service may see opened.
bool MayOpen(std::string_view peer, audit::v1::EventClass event_class);

}  // namespace relais::routing
