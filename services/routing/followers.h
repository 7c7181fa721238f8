// What routing makes of the logs it follows: its own (inbox pointers, proposals to référents, conflicts of
// these) and consent's (revocations, who is one human with whom).
#pragma once

#include <atomic>

#include "common/audit/followed_links.h"
#include "common/audit/follower.h"
#include "services/routing/courier.h"
#include "services/routing/notices.h"
#include "services/routing/pivots.h"
#include "services/routing/routing_handlers.h"

namespace relais::routing {

/// Routing's own log → pointers in inboxes, links from persons to undelivered messages, the message by which
/// a proposed référent learns of the proposal she agreed to (D-5.2), what an active or ended référent means
/// for others of hers, and notices to DPOs and to who proposed a référent.
class OwnLeaves final : public audit::LeafHandler {
 public:
  OwnLeaves(const rpc::ServiceContext& context, RoutingStore& store, Inbox& inbox, Courier& courier,
            RoutingHandlers& routing, Notices& notices, Revocations& revocations, Pivots& pivots)
      : context_(context),
        store_(store),
        inbox_(inbox),
        courier_(courier),
        routing_(routing),
        notices_(notices),
        revocations_(revocations),
        pivots_(pivots) {}

  /// Leaves of one person in order: so are her pointers.
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> Indexed(audit::FollowedLeaf leaf, Id128 message, bool effects);
  Task<absl::Status> Reindex(Id128 message);
  Task<absl::Status> ReferentChanged(audit::FollowedLeaf leaf, bool effects);
  Task<absl::Status> Propose(Id128 person, std::string referent_id, uint64_t leaf_index);

  const rpc::ServiceContext& context_;
  RoutingStore& store_;
  Inbox& inbox_;
  Courier& courier_;
  RoutingHandlers& routing_;
  Notices& notices_;
  Revocations& revocations_;
  Pivots& pivots_;
};

/// Consent's log → what may no longer be sent, who is one human with whom, and notices to DPOs. A revoking
/// leaf is effective here as soon as it is applied: the person's permits are void before anything else is
/// done. So is a link, and its end: from then on another name's no binds, or another's yes is gone, so that
/// what was permitted under any name of hers before is void.
class ConsentLeaves final : public audit::LeafHandler {
 public:
  ConsentLeaves(const rpc::ServiceContext& context, RoutingStore& store, Courier& courier, Notices& notices,
                Revocations& revocations, Pivots& pivots)
      : context_(context),
        store_(store),
        courier_(courier),
        notices_(notices),
        revocations_(revocations),
        pivots_(pivots),
        links_(context.store, context.log) {}

  /// Set before following starts: pull-back waits until routing's own pointers are complete.
  void UseOwn(audit::Follower* own) { own_ = own; }
  /// Resumes when no pull-back is in flight; after the followers have stopped.
  Task<bool> Drain();

  /// Who is one human, erasures and holds in the order of the log: each reaches several persons, and no row
  /// about somebody's names comes after her erasure. Other leaves in order by person.
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  void PullBackLater(const Id128& person);
  Task<void> PullBackAll(Id128 person);
  Task<absl::Status> Linked(audit::FollowedLeaf leaf, bool effects);
  Task<absl::Status> Hold(audit::FollowedLeaf leaf);
  Task<absl::Status> Erase(Id128 person, audit::FollowedLeaf leaf);

  const rpc::ServiceContext& context_;
  RoutingStore& store_;
  Courier& courier_;
  Notices& notices_;
  Revocations& revocations_;
  Pivots& pivots_;
  audit::FollowedLinks links_;
  audit::Follower* own_ = nullptr;
  std::atomic<int> in_flight_ = 0;  // pull-backs
};

/// Which event classes of routing's log a peer service may see opened.
bool MayOpen(std::string_view peer, audit::v1::EventClass event_class);

}  // namespace relais::routing
