// Deadlines: what nobody took in time goes to the next desk of the chain (D-4.5).
#pragma once

#include "common/calendar/paris.h"
#include "services/routing/change.h"
#include "services/routing/inbox.h"
#include "services/routing/settings.h"

namespace relais::routing {

/// Thread-safe. `Run` looks every `settings.overdue_scan` until stopped.
class Deadlines {
 public:
  Deadlines(const rpc::ServiceContext& context, const Settings& settings, const calendar::Paris& paris,
            RoutingStore& store, Inbox& inbox)
      : context_(context),
        settings_(settings),
        paris_(paris),
        store_(store),
        inbox_(inbox),
        stop_(context.executor),
        stopped_(context.executor) {}

  void Start();
  Task<bool> Stop();

  /// One look: escalates what is overdue now; the number moved.
  Task<int> LookOnce();

 private:
  Task<void> Run();
  Task<absl::Status> Escalate(Id128 message);

  const rpc::ServiceContext& context_;
  const Settings& settings_;
  const calendar::Paris& paris_;
  RoutingStore& store_;
  Inbox& inbox_;
  OneShot<bool> stop_;
  OneShot<bool> stopped_;
};

}  // namespace relais::routing
