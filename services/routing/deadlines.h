// Deadlines: what nobody took in time goes to the next desk of the chain that may have it (D-4.5). Where
// there is none it stays: a report that somebody has is worth more than one that nobody may read.
#pragma once

#include <set>
#include <string>

#include "common/calendar/paris.h"
#include "services/routing/change.h"
#include "services/routing/inbox.h"
#include "services/routing/peers.h"
#include "services/routing/settings.h"

namespace relais::routing {

/// Thread-safe. `Run` looks every `settings.overdue_scan` until stopped.
class Deadlines {
 public:
  Deadlines(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
            const calendar::Paris& paris, RoutingStore& store, Inbox& inbox)
      : context_(context),
        peers_(peers),
        settings_(settings),
        paris_(paris),
        store_(store),
        inbox_(inbox),
        stop_(context.executor),
        stopped_(context.executor) {}

  void Start();
  Task<bool> Stop();

  /// One look: escalates what is overdue now; the number moved. One look at a time.
  Task<int> LookOnce();

 private:
  Task<void> Run();
  enum class Outcome { kMoved, kNotOverdue, kNobodyFurther };
  Task<absl::StatusOr<Outcome>> Escalate(Id128 message);
  struct Place {
    std::string from;  // where the message is
    std::string to;    // empty: nobody further, or not overdue
  };
  Task<absl::StatusOr<Place>> NextPlace(Id128 message);
  void ForgetOnNewDirectory();

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  const calendar::Paris& paris_;
  RoutingStore& store_;
  Inbox& inbox_;
  // Overdue, with nobody further in the chain, or exercises: looked at again when the directory changes or
  // after a restart.
  std::set<Id128> at_end_;
  uint64_t directory_version_ = 0;
  bool started_ = false;
  OneShot<bool> stop_;
  OneShot<bool> stopped_;
};

}  // namespace relais::routing
