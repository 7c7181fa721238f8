// What an operator may set of routing's behaviour; defaults as designed.
#pragma once

#include "absl/time/time.h"
#include "services/routing/domain/delivery.h"

namespace relais::routing {

struct Settings {
  DeliveryRules delivery;
  absl::Duration lease = absl::Seconds(2);
  absl::Duration probe_interval = absl::Milliseconds(200);
  absl::Duration peer_timeout = absl::Seconds(10);
  bool rebuild_consent = false;                    // follow consent's log from its first leaf again
  bool rebuild_alerting = false;                   // and alerting's
  bool rebuild_vault = false;                      // and the vault's
  int notice_months = 12;                          // how long a notice to a DPO is kept
  absl::Duration overdue_scan = absl::Seconds(1);  // how often deadlines are looked at
};

}  // namespace relais::routing
