// Metrics behind our own interface. A label value is one of those given when the metric was registered, or
// "other": personal data can never become a label, whatever a caller passes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/telemetry/label_index.h"

namespace relais::telemetry {

/// A count that only grows. Thread-safe; no lock after the first use of a set of label values.
class Counter {
 public:
  ~Counter();
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  /// A negative amount is ignored.
  void Increment(LabelValues values = {}, double amount = 1);
  [[nodiscard]] double Value(LabelValues values = {}) const;

 private:
  friend class Metrics;
  struct Impl;
  explicit Counter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Ends the reading of a gauge function when it dies, after a reading under way: then the function is not
/// called again and the gauge shows NaN. May outlive the Metrics.
class [[nodiscard]] GaugeReading {
 public:
  GaugeReading() = default;
  explicit GaugeReading(std::function<void()> stop) : stop_(std::move(stop)) {}
  GaugeReading(GaugeReading&& other) noexcept : stop_(std::exchange(other.stop_, nullptr)) {}
  GaugeReading& operator=(GaugeReading&& other) noexcept;
  GaugeReading(const GaugeReading&) = delete;
  GaugeReading& operator=(const GaugeReading&) = delete;
  ~GaugeReading() { Stop(); }

 private:
  void Stop();
  std::function<void()> stop_;
};

/// A value that goes up and down. Thread-safe.
class Gauge {
 public:
  ~Gauge();
  Gauge(const Gauge&) = delete;
  Gauge& operator=(const Gauge&) = delete;

  void Set(LabelValues values, double value);
  void Set(double value) { Set({}, value); }
  void Add(LabelValues values, double amount);
  /// Calls `read` at every scrape, for what changes by itself (seconds left of a lease). `read` must be
  /// thread-safe, must not block, and must neither use this Metrics nor destroy a GaugeReading.
  GaugeReading ReadFrom(LabelValues values, std::function<double()> read);
  [[nodiscard]] double Value(LabelValues values = {}) const;

 private:
  friend class Metrics;
  struct Impl;
  explicit Gauge(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A distribution over fixed buckets. Thread-safe.
class Histogram {
 public:
  ~Histogram();
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;

  void Observe(LabelValues values, double value);
  /// The number of a series, for what is observed so often that its labels are looked up once.
  [[nodiscard]] size_t SeriesOf(LabelValues values) const;
  /// `series`: as SeriesOf of this histogram gave it.
  void ObserveIn(size_t series, double value);
  [[nodiscard]] uint64_t Count(LabelValues values = {}) const;
  [[nodiscard]] double Sum(LabelValues values = {}) const;

 private:
  friend class Metrics;
  struct Impl;
  explicit Histogram(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The metrics of one process. In memory until Serve is called, which tests and the simulator never do.
/// Thread-safe. The references it returns live as long as it does.
///
/// Names, labels and buckets are constants of the program, so a wrong one ends the process with a message, at
/// start: a name that Prometheus does not accept, the same name with another kind, labels or buckets, an
/// empty or repeated label value, buckets that do not grow, more combinations of values than
/// LabelIndex::kMaxCombinations. The same registration again returns the same metric.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& CounterFor(const std::string& name, const std::string& help, std::vector<Label> labels = {});
  Gauge& GaugeFor(const std::string& name, const std::string& help, std::vector<Label> labels = {});
  /// `buckets`: upper bounds, growing; one above the last is implied.
  Histogram& HistogramFor(const std::string& name, const std::string& help, std::vector<Label> labels,
                          std::vector<double> buckets);

  /// Serves GET /metrics over HTTP on "host:port" (port 0 = a free one) and returns the port. UNAVAILABLE
  /// when the address cannot be bound, FAILED_PRECONDITION when already serving. There is no access control:
  /// the address belongs on a network that only operators reach.
  absl::StatusOr<int> Serve(const std::string& address);

  /// What a scrape shows, in the Prometheus text format.
  [[nodiscard]] std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Seconds, from 100 µs to 10 s.
[[nodiscard]] std::vector<double> LatencyBuckets();

}  // namespace relais::telemetry
