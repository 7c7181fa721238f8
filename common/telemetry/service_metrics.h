// The metrics every service shows, under the same names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/telemetry/metrics.h"

namespace relais::telemetry {

/// What this process has, as constants or as configured: all the label values there will be.
struct ServiceMetricsOptions {
  std::vector<std::string> methods;  // gRPC methods it serves, "relais.consent.v1.ConsentService/Check"
  std::vector<std::string> peers;    // services whose log it follows, "consent"
  std::vector<std::string> queues;   // bounded queues, "writer", "admission"
  bool test_mode = false;
};

/// Thread-safe. The Metrics must outlive it.
class ServiceMetrics {
 public:
  ServiceMetrics(Metrics& metrics, const ServiceMetricsOptions& options);

  /// One call answered: its method, its gRPC status code, how long it took.
  void RecordCall(std::string_view method, absl::StatusCode code, absl::Duration took);
  /// The same for the calls that went well, whose series is looked up once a method.
  [[nodiscard]] size_t OkSeriesOf(std::string_view method) const;
  void RecordOk(size_t ok_series, absl::Duration took);

  /// relais_misses_total: handles, persons and things named in institutions' questions that are not there or
  /// not their own.
  Counter& misses;
  /// relais_institutions_held_back_total: times that an institution began to be held back for its misses.
  Counter& held_back;
  /// relais_calls_in_flight: calls begun and not answered.
  Gauge& calls_in_flight;
  /// relais_log_size: leaves durable in this service's log.
  Gauge& log_size;
  /// relais_lease_seconds{peer}: time left of the lease on that peer's log; 0 or less is no lease.
  Gauge& lease_seconds;
  /// relais_follower_lag_leaves{peer}: leaves of that peer's log not yet applied.
  Gauge& follower_lag;
  /// relais_queue_depth{queue}: entries waiting.
  Gauge& queue_depth;
  /// relais_disk_free_bytes, relais_disk_size_bytes: of the store's file system, as services may use it.
  Gauge& disk_free;
  Gauge& disk_size;
  /// relais_disk_level: 0; 1 over the first mark; 2 over the second, when writes are refused.
  Gauge& disk_level;
  /// relais_directory_version: version in force.
  Gauge& directory_version;
  /// relais_directory_seconds_left: time to the directory's not_after.
  Gauge& directory_seconds_left;

 private:
  /// relais_call_seconds{method,code}
  Histogram& call_seconds_;
};

/// The 17 gRPC status codes by name ("OK", "INVALID_ARGUMENT", ...).
[[nodiscard]] std::vector<std::string> StatusCodeNames();

}  // namespace relais::telemetry
