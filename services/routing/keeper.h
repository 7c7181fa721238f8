// What routing does for erasure and retention (common/audit/maintenance.h).
#pragma once

#include <atomic>
#include <set>

#include "common/audit/followed_links.h"
#include "common/audit/follower.h"
#include "common/audit/maintenance.h"
#include "services/routing/inbox.h"
#include "services/routing/peers.h"
#include "services/routing/settings.h"
#include "services/routing/store.h"

namespace relais::routing {

class Keeper final : public audit::StateKeeper {
 public:
  Keeper(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
         const RoutingStore& store, Inbox& inbox, audit::Follower& own)
      : context_(context),
        peers_(peers),
        settings_(settings),
        store_(store),
        inbox_(inbox),
        own_(own),
        links_(context.store, context.log) {}

  /// From here on the follower of routing's own log is waited for.
  void FollowingStarted() { following_ = true; }

  /// Her messages with their pointers at the desks, and her own partition.
  Task<absl::Status> EraseState(audit::Subject subject) override;
  /// Nobody (keeper_held.cc).
  absl::StatusOr<std::vector<audit::Subject>> HeldWith(const audit::Subject& person) override;
  /// Who helps her, and her messages with their contents.
  Task<absl::Status> EachState(audit::Subject subject, audit::HeldSink& sink) override {
    return audit::KeepAll(StateOf(subject), sink);
  }
  Task<absl::Status> Acknowledge(Id128 erasure) override;
  /// Notices to DPOs with who took them, after 12 months (D-2.10, agents' names): some hundred messages a
  /// step. A message, or a stretch of their list, that does not read is passed over, and tried again the next
  /// time.
  Task<absl::StatusOr<bool>> Sweep() override;

 private:
  absl::StatusOr<std::vector<audit::v1::HeldState>> StateOf(const audit::Subject& subject);
  absl::StatusOr<std::set<Id128>> MessagesOf(const Id128& person) const;
  Task<absl::Status> EraseMessage(Id128 message);
  Task<absl::Status> SweepMessage(Id128 message, absl::Time due_before);

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  const RoutingStore& store_;
  Inbox& inbox_;
  audit::Follower& own_;
  audit::FollowedLinks links_;
  std::atomic<bool> following_ = false;
  // Where the sweep is.
  Id128 from_;
  uint64_t purged_ = 0;
};

}  // namespace relais::routing
