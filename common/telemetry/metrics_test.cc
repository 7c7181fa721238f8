#include "common/telemetry/metrics.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <memory>
#include <thread>

#include "common/base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace relais::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The whole answer to GET `path` on 127.0.0.1:`port`, "" when nobody listens.
std::string HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    EXPECT_EQ(write(fd, request.data(), request.size()), static_cast<ssize_t>(request.size()));
    char buffer[4096];
    for (ssize_t n = read(fd, buffer, sizeof(buffer)); n > 0; n = read(fd, buffer, sizeof(buffer))) {
      answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  return answer;
}

TEST(MetricsTest, ACounterCountsPerSetOfValues) {
  Metrics metrics;
  Counter& rows = metrics.CounterFor("relais_rows_total", "Rows.", {{"outcome", {"ACCEPTED", "REFUSED"}}});
  rows.Increment({"ACCEPTED"});
  rows.Increment({"ACCEPTED"}, 4);
  rows.Increment({"REFUSED"});
  rows.Increment({"REFUSED"}, -7);
  EXPECT_EQ(rows.Value({"ACCEPTED"}), 5);
  EXPECT_EQ(rows.Value({"REFUSED"}), 1);
  EXPECT_THAT(metrics.Text(), HasSubstr("relais_rows_total{outcome=\"ACCEPTED\"} 5"));
}

TEST(MetricsTest, AValueOutsideTheClosedSetIsNeverShown) {
  Metrics metrics;
  Counter& calls = metrics.CounterFor("relais_calls_total", "Calls.", {{"method", {"Check"}}});
  calls.Increment({"Marie Martin"});
  calls.Increment({"rh1_abc"});
  calls.Increment();
  EXPECT_EQ(calls.Value({"other"}), 3);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("relais_calls_total{method=\"other\"} 3"));
  EXPECT_THAT(text, Not(HasSubstr("Marie")));
  EXPECT_THAT(text, Not(HasSubstr("rh1_")));
}

TEST(MetricsTest, AMetricWithoutLabelsIsShownFromTheStart) {
  Metrics metrics;
  metrics.CounterFor("relais_forks_total", "Forks seen.");
  EXPECT_THAT(metrics.Text(), HasSubstr("relais_forks_total 0"));
}

TEST(MetricsTest, AGaugeGoesUpAndDown) {
  Metrics metrics;
  Gauge& depth = metrics.GaugeFor("relais_depth", "Depth.", {{"queue", {"writer"}}});
  depth.Set({"writer"}, 7);
  depth.Add({"writer"}, -2);
  EXPECT_EQ(depth.Value({"writer"}), 5);
  EXPECT_EQ(depth.Value(), 0);
}

TEST(MetricsTest, AGaugeFunctionIsReadAtEachScrapeUntilItsReadingDies) {
  Metrics metrics;
  Gauge& lease = metrics.GaugeFor("relais_lease", "Lease.", {{"peer", {"consent"}}});
  double left = 2;
  GaugeReading reading = lease.ReadFrom({"consent"}, [&] { return left; });
  EXPECT_THAT(metrics.Text(), HasSubstr("relais_lease{peer=\"consent\"} 2"));
  left = 0.5;
  EXPECT_THAT(metrics.Text(), HasSubstr("relais_lease{peer=\"consent\"} 0.5"));
  reading = GaugeReading();
  EXPECT_TRUE(std::isnan(lease.Value({"consent"})));
}

TEST(MetricsTest, ANewReadingReplacesTheOldOne) {
  Metrics metrics;
  Gauge& gauge = metrics.GaugeFor("relais_gauge", "Gauge.");
  GaugeReading reading = gauge.ReadFrom({}, [] { return 1.0; });
  reading = gauge.ReadFrom({}, [] { return 2.0; });
  EXPECT_EQ(gauge.Value(), 2);
}

TEST(MetricsTest, AReadingMayOutliveTheMetrics) {
  const auto read = std::make_shared<double>(1.0);
  auto metrics = std::make_unique<Metrics>();
  {
    GaugeReading reading = metrics->GaugeFor("relais_gauge", "Gauge.").ReadFrom({}, [read] { return *read; });
    metrics.reset();
    GaugeReading moved = std::move(reading);
  }
  EXPECT_EQ(read.use_count(), 1);  // nobody holds the function any more
}

TEST(MetricsTest, AHistogramCountsAndSums) {
  Metrics metrics;
  Histogram& took = metrics.HistogramFor("relais_took", "Took.", {{"method", {"Check"}}}, {0.1, 1});
  took.Observe({"Check"}, 0.05);
  took.Observe({"Check"}, 0.5);
  took.Observe({"Check"}, 5);
  EXPECT_EQ(took.Count({"Check"}), 3U);
  EXPECT_DOUBLE_EQ(took.Sum({"Check"}), 5.55);
  EXPECT_THAT(metrics.Text(), HasSubstr("relais_took_bucket{method=\"Check\",le=\"1\"} 2"));
}

TEST(MetricsTest, TheSameRegistrationIsTheSameMetric) {
  Metrics metrics;
  Counter& first = metrics.CounterFor("relais_a", "A.", {{"x", {"1"}}});
  EXPECT_EQ(&first, &metrics.CounterFor("relais_a", "A.", {{"x", {"1"}}}));
}

TEST(MetricsTest, ThreadsShareSeries) {
  Metrics metrics;
  Counter& counter = metrics.CounterFor("relais_a", "A.", {{"x", {"1", "2"}}});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) counter.Increment({i % 2 == 0 ? "1" : "2"});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.Value({"1"}), 2000);
  EXPECT_EQ(counter.Value({"2"}), 2000);
}

TEST(MetricsDeathTest, AWrongDeclarationEndsTheProcess) {
  Metrics metrics;
  metrics.CounterFor("relais_a", "A.");
  EXPECT_DEATH(metrics.GaugeFor("relais_a", "A."), "registered twice");
  EXPECT_DEATH(metrics.CounterFor("relais_a", "A.", {{"x", {"1"}}}), "registered twice");
  EXPECT_DEATH(metrics.CounterFor("relais b", "B."), "bad name");
  EXPECT_DEATH(metrics.CounterFor("relais_b", "B.", {{"a-b", {"1"}}}), "bad label name");
  EXPECT_DEATH(metrics.CounterFor("relais_b", "B.", {{"a", {"1"}}, {"a", {"2"}}}), "repeated label");
  EXPECT_DEATH(metrics.CounterFor("relais_b", "B.", {{"a", {"1", "1"}}}), "repeated label value");
  EXPECT_DEATH(metrics.CounterFor("relais_b", "B.", {{"a", {""}}}), "empty label value");
  EXPECT_DEATH(metrics.HistogramFor("relais_b", "B.", {}, {1, 1}), "buckets must grow");
  const std::vector<std::string> many = [] {
    std::vector<std::string> values;
    values.reserve(300);
    for (int i = 0; i < 300; ++i) values.push_back(std::to_string(i));
    return values;
  }();
  EXPECT_DEATH(metrics.CounterFor("relais_b", "B.", {{"a", many}, {"b", many}}), "too many combinations");
}

TEST(MetricsTest, ServesOverHttpWhenAsked) {
  Metrics metrics;
  metrics.GaugeFor("relais_version", "Version.").Set(12);
  const auto port = metrics.Serve("127.0.0.1:0");
  ASSERT_TRUE(port.ok()) << port.status();
  EXPECT_THAT(HttpGet(*port, "/metrics"), HasSubstr("relais_version 12"));
  EXPECT_THAT(HttpGet(*port, "/other"), HasSubstr("404"));
  EXPECT_EQ(metrics.Serve("127.0.0.1:0").status().code(), absl::StatusCode::kFailedPrecondition);

  Metrics second;
  const auto taken = second.Serve("127.0.0.1:" + std::to_string(*port));
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.Serve("not an address").status().code(), absl::StatusCode::kUnavailable);
  // A refusal leaves it free to try again.
  EXPECT_TRUE(second.Serve("127.0.0.1:0").ok());
}

TEST(MetricsTest, StopsServingWhenItDies) {
  auto metrics = std::make_unique<Metrics>();
  const int port = metrics->Serve("127.0.0.1:0").value();
  metrics.reset();
  EXPECT_EQ(HttpGet(port, "/metrics"), "");
}

// CivetWeb looks every two seconds whether it should stop: a service that is told to must not wait for that.
TEST(MetricsTest, StopsServingAtOnce) {
  const SystemClock clock;
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0"}) {
    auto metrics = std::make_unique<Metrics>();
    const int port = metrics->Serve(address).value();
    EXPECT_THAT(HttpGet(port, "/metrics"), HasSubstr("200 OK"));  // so it waits for the next one now
    const absl::Duration before = clock.Monotonic();
    metrics.reset();
    EXPECT_LT(clock.Monotonic() - before, absl::Seconds(1)) << address;
  }
}

}  // namespace
}  // namespace relais::telemetry
