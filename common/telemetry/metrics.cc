#include "common/telemetry/metrics.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include "common/base/status.h"
#include "common/telemetry/scrape_server.h"
#include "prometheus/check_names.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "prometheus/text_serializer.h"

namespace relais::telemetry {
namespace {

[[noreturn]] void Die(const std::string& name, const char* why) {
  std::fprintf(stderr, "metric %s: %s\n", name.c_str(), why);
  std::abort();
}

/// The series of one metric, made at first use. `make` returns the same series for the same labels.
template <typename T>
class SeriesTable {
 public:
  using Make = std::function<T&(const prometheus::Labels&)>;

  SeriesTable(LabelIndex index, Make make)
      : index_(std::move(index)), make_(std::move(make)), series_(index_.size()) {
    // A metric without labels is shown from the start.
    if (index_.size() == 1) At(size_t{0});
  }

  size_t NumberOf(LabelValues values) const {
    return index_.IndexOf(std::span(values.begin(), values.size()));
  }
  T& At(LabelValues values) { return At(NumberOf(values)); }
  T& At(size_t i) {
    if (T* known = series_[i].load(std::memory_order_acquire); known != nullptr) return *known;
    T& made = make_(index_.LabelsAt(i));
    series_[i].store(&made, std::memory_order_release);
    return made;
  }

 private:
  LabelIndex index_;
  Make make_;
  std::vector<std::atomic<T*>> series_;
};

/// What a scrape sees: the registry, after gauge functions have been read.
class Scrape final : public prometheus::Collectable {
 public:
  struct Reading {
    prometheus::Gauge* gauge;
    std::function<double()> read;
  };
  using Handle = std::list<Reading>::iterator;

  std::vector<prometheus::MetricFamily> Collect() const override {
    Refresh();
    return registry_.Collect();
  }

  void Refresh() const {
    const std::lock_guard lock(mutex_);
    for (const Reading& reading : readings_) reading.gauge->Set(reading.read());
  }

  Handle Start(Reading reading) {
    const std::lock_guard lock(mutex_);
    return readings_.insert(readings_.end(), std::move(reading));
  }

  void Stop(Handle handle) {
    const std::lock_guard lock(mutex_);
    handle->gauge->Set(std::numeric_limits<double>::quiet_NaN());
    readings_.erase(handle);
  }

  prometheus::Registry& registry() { return registry_; }

 private:
  mutable std::mutex mutex_;
  std::list<Reading> readings_;
  prometheus::Registry registry_;
};

bool Grows(const std::vector<double>& buckets) {
  return !buckets.empty() &&
         std::adjacent_find(buckets.begin(), buckets.end(), std::greater_equal<>()) == buckets.end();
}

void CheckLabels(const std::string& name, const std::vector<Label>& labels) {
  std::set<std::string> names;
  for (const Label& label : labels) {
    if (!prometheus::CheckLabelName(label.name) || label.name == "le") Die(name, "bad label name");
    if (!names.insert(label.name).second) Die(name, "repeated label");
    const std::set<std::string> values(label.values.begin(), label.values.end());
    if (values.size() != label.values.size()) Die(name, "repeated label value");
    if (values.contains("")) Die(name, "empty label value");
  }
}

}  // namespace

struct Counter::Impl {
  SeriesTable<prometheus::Counter> series;
};
struct Gauge::Impl {
  SeriesTable<prometheus::Gauge> series;
  std::shared_ptr<Scrape> scrape;
};
struct Histogram::Impl {
  SeriesTable<prometheus::Histogram> series;
};

Counter::Counter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Counter::~Counter() = default;

void Counter::Increment(LabelValues values, double amount) { impl_->series.At(values).Increment(amount); }
double Counter::Value(LabelValues values) const { return impl_->series.At(values).Value(); }

GaugeReading& GaugeReading::operator=(GaugeReading&& other) noexcept {
  if (this != &other) {
    Stop();
    stop_ = std::exchange(other.stop_, nullptr);
  }
  return *this;
}

void GaugeReading::Stop() {
  if (const auto stop = std::exchange(stop_, nullptr)) stop();
}

Gauge::Gauge(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gauge::~Gauge() = default;

void Gauge::Set(LabelValues values, double value) { impl_->series.At(values).Set(value); }
void Gauge::Add(LabelValues values, double amount) { impl_->series.At(values).Increment(amount); }

GaugeReading Gauge::ReadFrom(LabelValues values, std::function<double()> read) {
  const auto handle = impl_->scrape->Start({&impl_->series.At(values), std::move(read)});
  return GaugeReading([scrape = impl_->scrape, handle] { scrape->Stop(handle); });
}

double Gauge::Value(LabelValues values) const {
  impl_->scrape->Refresh();
  return impl_->series.At(values).Value();
}

Histogram::Histogram(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Histogram::~Histogram() = default;

void Histogram::Observe(LabelValues values, double value) { impl_->series.At(values).Observe(value); }
size_t Histogram::SeriesOf(LabelValues values) const { return impl_->series.NumberOf(values); }
void Histogram::ObserveIn(size_t series, double value) { impl_->series.At(series).Observe(value); }
uint64_t Histogram::Count(LabelValues values) const {
  return impl_->series.At(values).Collect().histogram.sample_count;
}
double Histogram::Sum(LabelValues values) const {
  return impl_->series.At(values).Collect().histogram.sample_sum;
}

struct Metrics::Impl {
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Entry {
    Kind kind;
    std::vector<Label> labels;
    std::vector<double> buckets;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
  };

  /// The entry of `name` and whether it is new; ends the process when the declaration is wrong. Lock held.
  std::pair<Entry&, bool> Declare(const std::string& name, Kind kind, const std::vector<Label>& labels,
                                  const std::vector<double>& buckets) {
    if (const auto found = entries.find(name); found != entries.end()) {
      Entry& known = found->second;
      if (known.kind != kind || known.labels != labels || known.buckets != buckets) {
        Die(name, "registered twice, differently");
      }
      return {known, false};
    }
    if (!prometheus::CheckMetricName(name)) Die(name, "bad name");
    if (kind == Kind::kHistogram && !Grows(buckets)) Die(name, "buckets must grow");
    CheckLabels(name, labels);
    if (LabelIndex(labels).size() > LabelIndex::kMaxCombinations)
      Die(name, "too many combinations of label values");
    return {entries.emplace(name, Entry{kind, labels, buckets, nullptr, nullptr, nullptr}).first->second,
            true};
  }

  std::mutex mutex;
  std::map<std::string, Entry> entries;
  std::shared_ptr<Scrape> scrape = std::make_shared<Scrape>();
  std::unique_ptr<internal::ScrapeServer> server;  // last: stops serving before anything it reads goes
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::CounterFor(const std::string& name, const std::string& help, std::vector<Label> labels) {
  const std::lock_guard lock(impl_->mutex);
  auto [entry, is_new] = impl_->Declare(name, Impl::Kind::kCounter, labels, {});
  if (is_new) {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->scrape->registry());
    SeriesTable<prometheus::Counter> series(
        LabelIndex(std::move(labels)), [&family](const auto& at) -> auto& { return family.Add(at); });
    entry.counter.reset(new Counter(std::make_unique<Counter::Impl>(Counter::Impl{std::move(series)})));
  }
  return *entry.counter;
}

Gauge& Metrics::GaugeFor(const std::string& name, const std::string& help, std::vector<Label> labels) {
  const std::lock_guard lock(impl_->mutex);
  auto [entry, is_new] = impl_->Declare(name, Impl::Kind::kGauge, labels, {});
  if (is_new) {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->scrape->registry());
    SeriesTable<prometheus::Gauge> series(
        LabelIndex(std::move(labels)), [&family](const auto& at) -> auto& { return family.Add(at); });
    entry.gauge.reset(
        new Gauge(std::make_unique<Gauge::Impl>(Gauge::Impl{std::move(series), impl_->scrape})));
  }
  return *entry.gauge;
}

Histogram& Metrics::HistogramFor(const std::string& name, const std::string& help, std::vector<Label> labels,
                                 std::vector<double> buckets) {
  const std::lock_guard lock(impl_->mutex);
  auto [entry, is_new] = impl_->Declare(name, Impl::Kind::kHistogram, labels, buckets);
  if (is_new) {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->scrape->registry());
    SeriesTable<prometheus::Histogram> series(
        LabelIndex(std::move(labels)), [&family, buckets = std::move(buckets) ](const auto& at) -> auto& {
          return family.Add(at, buckets);
        });
    entry.histogram.reset(
        new Histogram(std::make_unique<Histogram::Impl>(Histogram::Impl{std::move(series)})));
  }
  return *entry.histogram;
}

absl::StatusOr<int> Metrics::Serve(const std::string& address) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->server != nullptr) return absl::FailedPreconditionError("metrics are already served");
  ASSIGN_OR_RETURN(impl_->server, internal::ScrapeServer::Start(address, impl_->scrape));
  return impl_->server->port();
}

std::string Metrics::Text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->scrape->Collect());
  return out.str();
}

std::vector<double> LatencyBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
}

}  // namespace relais::telemetry
