#include "common/rpc/follower_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/audit/testing/fake_tail_source.h"
#include "common/audit/testing/log_harness.h"
#include "common/audit/testing/recording_handler.h"

namespace relais::rpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FollowerMetricsTest : public ::testing::Test {
 protected:
  FollowerMetricsTest() {
    audit::FollowerOptions options;
    options.name = "consent";
    options.lease = absl::Seconds(2);
    options.probe_interval = absl::Milliseconds(100);
    follower_ = audit::Follower::Create(options, source_, handler_, harness_.store(), harness_.sim(),
                                        harness_.random(), harness_.sim());
  }
  ~FollowerMetricsTest() override {
    readings_.clear();
    (void)harness_.Run(follower_->Stop());
  }
  void Show(Lease lease) { readings_ = ShowFollower(service_, "consent", *follower_, lease, harness_.sim()); }
  void RunFor(absl::Duration duration) { harness_.sim().RunFor(duration); }
  [[nodiscard]] double Seconds() const { return service_.lease_seconds.Value({"consent"}); }
  [[nodiscard]] double Lag() const { return service_.follower_lag.Value({"consent"}); }

  audit::testing::SimLogHarness harness_;  // for its executor and its store
  audit::testing::FakeTailSource source_{harness_.sim(), "relais.test/consent/1"};
  audit::testing::RecordingHandler handler_{harness_.sim()};
  std::unique_ptr<audit::Follower> follower_;
  telemetry::Metrics metrics_;
  telemetry::ServiceMetrics service_{metrics_,
                                     {.methods = {}, .peers = {"consent", "routing"}, .queues = {}}};
  std::vector<telemetry::GaugeReading> readings_;
};

TEST_F(FollowerMetricsTest, ALeaseIsHeldAndRunsOut) {
  Show(Lease::kWanted);
  EXPECT_EQ(Seconds(), 0);  // none before the first proof
  ASSERT_TRUE(follower_->Start().ok());
  RunFor(absl::Seconds(1));
  EXPECT_GT(Seconds(), 1.5);
  EXPECT_LE(Seconds(), 2);
  source_.FailProbes(absl::UnavailableError("cut"));
  RunFor(absl::Seconds(1));
  EXPECT_GT(Seconds(), 0);
  EXPECT_LT(Seconds(), 1.5);
  RunFor(absl::Seconds(2));
  EXPECT_EQ(Seconds(), 0);
}

TEST_F(FollowerMetricsTest, TheLagIsWhatIsKnownAndNotApplied) {
  handler_.Stick(3);
  source_.AppendMany(10);  // those after 3 are worked on, and count only once 3 is applied
  Show(Lease::kWanted);
  ASSERT_TRUE(follower_->Start().ok());
  RunFor(absl::Seconds(1));
  EXPECT_EQ(follower_->applied(), 3U);
  EXPECT_EQ(Lag(), 7);
  handler_.Stick(3, false);
  RunFor(absl::Seconds(10));
  EXPECT_EQ(Lag(), 0);
}

// Leaves that cannot be read yet lag too: the log has named its size.
TEST_F(FollowerMetricsTest, LeavesNotYetReadLag) {
  source_.HoldReadsAt(4);
  source_.AppendMany(100);
  Show(Lease::kWanted);
  ASSERT_TRUE(follower_->Start().ok());
  RunFor(absl::Seconds(1));
  EXPECT_EQ(Lag(), 96);
  EXPECT_EQ(Seconds(), 0);  // what was named is not applied: no lease
}

TEST_F(FollowerMetricsTest, WithoutALeaseNoneIsShown) {
  Show(Lease::kNone);
  ASSERT_TRUE(follower_->Start().ok());
  RunFor(absl::Seconds(1));
  EXPECT_THAT(metrics_.Text(), HasSubstr("relais_follower_lag_leaves{peer=\"consent\"} 0"));
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("relais_lease_seconds{")));
}

TEST_F(FollowerMetricsTest, AfterItsReadingsNothingIsRead) {
  Show(Lease::kWanted);
  readings_.clear();
  EXPECT_TRUE(std::isnan(Seconds()));
  EXPECT_TRUE(std::isnan(Lag()));
}

}  // namespace
}  // namespace relais::rpc
