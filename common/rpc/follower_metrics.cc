#include "common/rpc/follower_metrics.h"

#include <algorithm>

namespace relais::rpc {

std::vector<telemetry::GaugeReading> ShowFollower(telemetry::ServiceMetrics& metrics, const std::string& peer,
                                                  const audit::Follower& follower, Lease lease,
                                                  const Clock& clock) {
  std::vector<telemetry::GaugeReading> readings;
  readings.push_back(metrics.follower_lag.ReadFrom({peer}, [&follower] {
    const uint64_t applied = follower.applied();  // first: what is known may grow in between, never shrink
    return static_cast<double>(follower.known() - applied);
  }));
  if (lease == Lease::kWanted) {
    readings.push_back(metrics.lease_seconds.ReadFrom({peer}, [&follower, &clock] {
      return std::max(0.0, absl::ToDoubleSeconds(follower.LeaseUntil() - clock.Monotonic()));
    }));
  }
  return readings;
}

}  // namespace relais::rpc
