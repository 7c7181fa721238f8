// What operators see of a follower.
#pragma once

#include <string>
#include <vector>

#include "common/audit/follower.h"
#include "common/base/clock.h"
#include "common/telemetry/service_metrics.h"

namespace relais::rpc {

enum class Lease { kNone, kWanted };

/// Shows relais_follower_lag_leaves{peer} and, where a lease is wanted, relais_lease_seconds{peer}, read from
/// the follower of that peer's log at every scrape. `peer` is one the metrics were made with. The follower
/// and the clock outlive the readings.
[[nodiscard]] std::vector<telemetry::GaugeReading> ShowFollower(telemetry::ServiceMetrics& metrics,
                                                                const std::string& peer,
                                                                const audit::Follower& follower, Lease lease,
                                                                const Clock& clock);

}  // namespace relais::rpc
