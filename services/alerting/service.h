// The alerting service, wired: everything but its transport.
#pragma once

#include <functional>
#include <memory>

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "services/alerting/alert_handlers.h"
#include "services/alerting/followers.h"
#include "services/alerting/keeper.h"
#include "services/alerting/sending.h"
#include "services/alerting/signal_handlers.h"
#include "services/alerting/vault_leaves.h"

namespace relais::alerting {

/// Life: Create → Start → serve → Stop (resumes when nothing is in flight) → destroy.
class Service {
 public:
  /// A log that is configured absent is nullptr and waited for by nobody. `takes_rows`: OK, or why rows are
  /// refused before they are looked at; null: they never are.
  Service(rpc::ServiceContext context, Peers peers, Settings settings, calendar::Paris paris,
          std::unique_ptr<audit::TailSource> consent_log, std::unique_ptr<audit::TailSource> routing_log,
          std::unique_ptr<audit::TailSource> vault_log = nullptr,
          std::function<absl::Status()> takes_rows = nullptr);

  absl::Status Start();
  Task<bool> Stop();

  SignalHandlers& signals() { return signals_; }
  AlertHandlers& alerts() { return alerts_; }
  audit::Follower& own_follower() { return *own_follower_; }
  const audit::Follower* consent_follower() const { return consent_follower_.get(); }
  const audit::Follower* routing_follower() const { return routing_follower_.get(); }
  const audit::Follower* vault_follower() const { return vault_follower_.get(); }

 private:
  rpc::ServiceContext context_;
  Peers peers_;
  Settings settings_;
  calendar::Paris paris_;
  AlertingStore store_;
  Intake intake_;
  SignalHandlers signals_;
  AlertHandlers alerts_;
  Sending sending_;
  OwnLeaves own_leaves_;
  ConsentLeaves consent_leaves_;
  RoutingLeaves routing_leaves_;
  VaultLeaves vault_leaves_;
  std::unique_ptr<audit::TailSource> own_log_;
  std::unique_ptr<audit::TailSource> consent_log_;
  std::unique_ptr<audit::TailSource> routing_log_;
  std::unique_ptr<audit::TailSource> vault_log_;
  std::unique_ptr<audit::Follower> own_follower_;
  std::unique_ptr<audit::Follower> consent_follower_;
  std::unique_ptr<audit::Follower> routing_follower_;
  std::unique_ptr<audit::Follower> vault_follower_;
  std::unique_ptr<Keeper> keeper_;
};

}  // namespace relais::alerting
