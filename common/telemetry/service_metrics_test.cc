#include "common/telemetry/service_metrics.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace relais::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ServiceMetricsTest : public ::testing::Test {
 protected:
  Metrics metrics_;
  ServiceMetrics service_{
      metrics_, {.methods = {"Check"}, .peers = {"consent"}, .queues = {"writer"}, .test_mode = true}};
};

TEST_F(ServiceMetricsTest, CallsAreTimedByMethodAndCode) {
  service_.RecordCall("Check", absl::StatusCode::kOk, absl::Milliseconds(3));
  service_.RecordCall("Check", absl::StatusCode::kPermissionDenied, absl::Milliseconds(1));
  service_.RecordCall("/etc/passwd", absl::StatusCode::kUnimplemented, absl::Milliseconds(1));
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("relais_call_seconds_count{code=\"OK\",method=\"Check\"} 1"));
  EXPECT_THAT(text, HasSubstr("relais_call_seconds_count{code=\"PERMISSION_DENIED\",method=\"Check\"} 1"));
  EXPECT_THAT(text, HasSubstr("relais_call_seconds_count{code=\"UNIMPLEMENTED\",method=\"other\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("passwd")));
}

TEST_F(ServiceMetricsTest, CallsThatWentWellCountTheSameByTheirSeries) {
  const size_t check = service_.OkSeriesOf("Check");
  EXPECT_NE(check, service_.OkSeriesOf("Other"));
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("relais_call_seconds_count")));  // nothing was called
  service_.RecordOk(check, absl::Milliseconds(3));
  service_.RecordCall("Check", absl::StatusCode::kOk, absl::Milliseconds(3));
  EXPECT_THAT(metrics_.Text(), HasSubstr("relais_call_seconds_count{code=\"OK\",method=\"Check\"} 2"));
}

TEST_F(ServiceMetricsTest, GaugesHaveTheirNames) {
  service_.misses.Increment({}, 3);
  service_.held_back.Increment();
  service_.log_size.Set(42);
  service_.directory_version.Set(7);
  service_.disk_free.Set(3);
  service_.disk_size.Set(4);
  service_.disk_level.Set(2);
  service_.lease_seconds.Set({"consent"}, 1.5);
  service_.queue_depth.Set({"writer"}, 3);
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("relais_misses_total 3"));
  EXPECT_THAT(text, HasSubstr("relais_institutions_held_back_total 1"));
  EXPECT_THAT(text, HasSubstr("relais_log_size 42"));
  EXPECT_THAT(text, HasSubstr("relais_directory_version 7"));
  EXPECT_THAT(text, HasSubstr("relais_disk_free_bytes 3"));
  EXPECT_THAT(text, HasSubstr("relais_disk_size_bytes 4"));
  EXPECT_THAT(text, HasSubstr("relais_disk_level 2"));
  EXPECT_THAT(text, HasSubstr("relais_lease_seconds{peer=\"consent\"} 1.5"));
  EXPECT_THAT(text, HasSubstr("relais_queue_depth{queue=\"writer\"} 3"));
  EXPECT_THAT(text, HasSubstr("relais_test_mode 1"));
}

TEST(StatusCodeNamesTest, AreTheSeventeenOfGrpc) {
  const auto names = StatusCodeNames();
  ASSERT_EQ(names.size(), 17U);
  EXPECT_EQ(names.front(), "OK");
  EXPECT_EQ(names[5], "NOT_FOUND");
  EXPECT_EQ(names.back(), "UNAUTHENTICATED");
}

}  // namespace
}  // namespace relais::telemetry
