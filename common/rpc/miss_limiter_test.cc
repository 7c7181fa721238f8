#include "common/rpc/miss_limiter.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/testing/fake_clock.h"
#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

using relais::testing::FakeClock;

class Misses : public ::testing::Test {
 protected:
  MissLimiter::Options Limits(uint64_t most, absl::Duration window) {
    MissLimiter::Options options;
    options.most = most;
    options.window = window;
    options.on_misses = [this](uint64_t misses) { counted_ += misses; };
    options.on_held_back = [this](const std::string& institution) { alarms_.push_back(institution); };
    return options;
  }

  FakeClock clock_{absl::UnixEpoch()};
  uint64_t counted_ = 0;
  std::vector<std::string> alarms_;
  MissLimiter limiter_{Limits(100, absl::Hours(1)), clock_};
};

TEST_F(Misses, BeyondTheLimitAnInstitutionIsHeldBackAndTheOthersAreNot) {
  for (int i = 0; i < 99; ++i) {
    limiter_.Note("ville-paris", 1);
    ASSERT_TRUE(limiter_.MayAsk("ville-paris").ok()) << i;
  }
  EXPECT_TRUE(alarms_.empty());
  limiter_.Note("ville-paris", 1);
  const absl::Status refused = limiter_.MayAsk("ville-paris");
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryAfterOf(refused), absl::Seconds(36));  // a hundredth of an hour
  EXPECT_TRUE(limiter_.MayAsk("caf").ok());
  EXPECT_EQ(alarms_, std::vector<std::string>{"ville-paris"});
  EXPECT_EQ(counted_, 100u);
}

TEST_F(Misses, ItComesBackInStepsThatAlarmEachTime) {
  limiter_.Note("caf", 1000);  // one batch is worth no more than the bucket
  EXPECT_FALSE(limiter_.MayAsk("caf").ok());
  clock_.Advance(absl::Seconds(35));
  EXPECT_FALSE(limiter_.MayAsk("caf").ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(limiter_.MayAsk("caf").ok());
  limiter_.Note("caf", 1);
  EXPECT_FALSE(limiter_.MayAsk("caf").ok());
  EXPECT_EQ(alarms_.size(), 2u);
  // Misses of calls that were under way when it began do not alarm again.
  limiter_.Note("caf", 1);
  EXPECT_EQ(alarms_.size(), 2u);
}

TEST_F(Misses, TheBucketFillsWithinItsWindowAndNoFurther) {
  limiter_.Note("caf", 99);
  clock_.Advance(absl::Hours(5));
  limiter_.Note("caf", 99);
  EXPECT_TRUE(limiter_.MayAsk("caf").ok());
  clock_.Advance(absl::Minutes(30));  // half of it
  limiter_.Note("caf", 50);
  EXPECT_TRUE(limiter_.MayAsk("caf").ok());
  limiter_.Note("caf", 1);
  EXPECT_FALSE(limiter_.MayAsk("caf").ok());
}

TEST_F(Misses, TheCivilClockDoesNotMatter) {
  limiter_.Note("caf", 100);
  clock_.SetCivil(absl::UnixEpoch() + absl::Hours(1000));
  EXPECT_FALSE(limiter_.MayAsk("caf").ok());
}

// The default lets an import of 200,000 new rows ask for each whether it is known.
TEST(MissLimits, TheDefaultLetsALargeImportPass) {
  FakeClock clock{absl::UnixEpoch()};
  MissLimiter limiter({}, clock);
  for (int i = 0; i < 200; ++i) {
    limiter.Note("casvp", 1000);
    ASSERT_TRUE(limiter.MayAsk("casvp").ok()) << i;
  }
  limiter.Note("casvp", 50'000);
  EXPECT_FALSE(limiter.MayAsk("casvp").ok());
}

TEST(MissLimits, WhatIsAMiss) {
  EXPECT_TRUE(IsMiss(common::v1::ERROR_REASON_NOT_YOUR_HANDLE));
  EXPECT_TRUE(IsMiss(common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS));
  EXPECT_FALSE(IsMiss(common::v1::ERROR_REASON_UNSPECIFIED));
  EXPECT_FALSE(IsMiss(common::v1::ERROR_REASON_INVALID_FIELDS));
  EXPECT_FALSE(IsMiss(common::v1::ERROR_REASON_NOT_PERMITTED));
}

}  // namespace
}  // namespace relais::rpc
