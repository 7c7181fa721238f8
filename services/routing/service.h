// The referent routing service, wired: everything but its transport.
#pragma once

#include <memory>

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "services/routing/courier.h"
#include "services/routing/deadlines.h"
#include "services/routing/directory_handlers.h"
#include "services/routing/followers.h"
#include "services/routing/inbox_handlers.h"
#include "services/routing/keeper.h"
#include "services/routing/pivots.h"
#include "services/routing/referent_handlers.h"
#include "services/routing/routing_handlers.h"

namespace relais::routing {

/// Life: Create → Start → serve → Stop (resumes when nothing is in flight) → destroy.
class Service {
 public:
  /// `consent_log`: the consent registry's log; nullptr: configured absent, then nothing is ever delivered.
  /// `alerting_log`, `vault_log`: theirs, for notices to DPOs; nullptr: configured absent.
  Service(rpc::ServiceContext context, Peers peers, Settings settings, calendar::Paris paris, Archive archive,
          std::unique_ptr<audit::TailSource> consent_log, std::unique_ptr<audit::TailSource> alerting_log,
          std::unique_ptr<audit::TailSource> vault_log = nullptr);

  /// Before Start, if at all: reads what waits at the desks. Erasures that are made again need it.
  absl::Status Prepare();
  absl::Status Start();
  Task<bool> Stop();

  DirectoryHandlers& directory() { return directory_; }
  ReferentHandlers& referents() { return referents_; }
  RoutingHandlers& routing() { return routing_; }
  InboxHandlers& inboxes() { return inboxes_; }
  Deadlines& deadlines() { return deadlines_; }
  const audit::Follower* consent_follower() const { return consent_follower_.get(); }
  const audit::Follower* alerting_follower() const { return alerting_follower_.get(); }
  const audit::Follower* vault_follower() const { return vault_follower_.get(); }
  audit::Follower& own_follower() { return *own_follower_; }

 private:
  bool prepared_ = false;
  rpc::ServiceContext context_;
  Peers peers_;
  Settings settings_;
  calendar::Paris paris_;
  RoutingStore store_;
  Pivots pivots_;
  Inbox inbox_;
  Revocations revocations_;
  Courier courier_;
  DirectoryHandlers directory_;
  ReferentHandlers referents_;
  RoutingHandlers routing_;
  InboxHandlers inboxes_;
  Deadlines deadlines_;
  Notices notices_;
  OwnLeaves own_leaves_;
  ConsentLeaves consent_leaves_;
  NoticeLeaves alerting_leaves_;
  NoticeLeaves vault_leaves_;
  std::unique_ptr<audit::TailSource> own_log_;
  std::unique_ptr<audit::TailSource> consent_log_;
  std::unique_ptr<audit::TailSource> alerting_log_;
  std::unique_ptr<audit::TailSource> vault_log_;
  std::unique_ptr<audit::Follower> own_follower_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<audit::Follower> consent_follower_;
  std::unique_ptr<audit::Follower> alerting_follower_;
  std::unique_ptr<audit::Follower> vault_follower_;
};

}  // namespace relais::routing
