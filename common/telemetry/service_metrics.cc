#include "common/telemetry/service_metrics.h"

namespace relais::telemetry {
namespace {

constexpr int kStatusCodes = 17;

}  // namespace

std::vector<std::string> StatusCodeNames() {
  std::vector<std::string> names;
  names.reserve(kStatusCodes);
  for (int code = 0; code < kStatusCodes; ++code) {
    names.push_back(absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
  }
  return names;
}

ServiceMetrics::ServiceMetrics(Metrics& metrics, const ServiceMetricsOptions& options)
    : misses(metrics.CounterFor("relais_misses_total",
                                "Named in institutions' questions and not there, or not theirs.")),
      held_back(metrics.CounterFor("relais_institutions_held_back_total",
                                   "Times that an institution began to be held back for its misses.")),
      calls_in_flight(metrics.GaugeFor("relais_calls_in_flight", "Calls begun and not answered.")),
      log_size(metrics.GaugeFor("relais_log_size", "Leaves durable in this service's log.")),
      lease_seconds(metrics.GaugeFor("relais_lease_seconds", "Time left of the lease on a peer's log.",
                                     {{"peer", options.peers}})),
      follower_lag(metrics.GaugeFor("relais_follower_lag_leaves", "Leaves of a peer's log not yet applied.",
                                    {{"peer", options.peers}})),
      queue_depth(
          metrics.GaugeFor("relais_queue_depth", "Entries waiting in a queue.", {{"queue", options.queues}})),
      disk_free(metrics.GaugeFor("relais_disk_free_bytes", "Free on the disk of the store.")),
      disk_size(metrics.GaugeFor("relais_disk_size_bytes", "Used and free on the disk of the store.")),
      disk_level(metrics.GaugeFor("relais_disk_level",
                                  "Marks that the disk of the store is over: at 2 nothing new is taken.")),
      directory_version(metrics.GaugeFor("relais_directory_version", "Version of the directory in force.")),
      directory_seconds_left(
          metrics.GaugeFor("relais_directory_seconds_left", "Time to the end of validity of the directory.")),
      call_seconds_(metrics.HistogramFor("relais_call_seconds", "Calls answered, by method and status code.",
                                         {{"method", options.methods}, {"code", StatusCodeNames()}},
                                         LatencyBuckets())) {
  metrics.GaugeFor("relais_test_mode", "1 when this process runs in test mode.")
      .Set(options.test_mode ? 1 : 0);
}

void ServiceMetrics::RecordCall(std::string_view method, absl::StatusCode code, absl::Duration took) {
  const std::string name = absl::StatusCodeToString(code);
  call_seconds_.Observe({method, name}, absl::ToDoubleSeconds(took));
}

size_t ServiceMetrics::OkSeriesOf(std::string_view method) const {
  return call_seconds_.SeriesOf({method, absl::StatusCodeToString(absl::StatusCode::kOk)});
}

void ServiceMetrics::RecordOk(size_t ok_series, absl::Duration took) {
  call_seconds_.ObserveIn(ok_series, absl::ToDoubleSeconds(took));
}

}  // namespace relais::telemetry
