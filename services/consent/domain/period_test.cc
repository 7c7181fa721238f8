#include "services/consent/domain/period.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::Noon;

class PeriodTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(absl::LoadTimeZone("Europe/Paris", &zone_)); }
  absl::TimeZone zone_;
  absl::Time now_ = Noon(2026, 11, 3);
};

TEST_F(PeriodTest, DefaultsToTwelveMonthsFromNow) {
  const Period period = JudgePeriod({}, now_, zone_);
  ASSERT_TRUE(period.ok());
  EXPECT_EQ(period.from, now_);
  EXPECT_EQ(period.until, Noon(2027, 11, 3));
}

TEST_F(PeriodTest, OnSiteIsThreeMonthsAtMost) {
  EXPECT_EQ(JudgePeriod({{}, {}, true}, now_, zone_).until, Noon(2027, 2, 3));
  EXPECT_EQ(JudgePeriod({{}, Noon(2027, 2, 4), true}, now_, zone_).field, "valid_until");
  EXPECT_TRUE(JudgePeriod({{}, Noon(2026, 12, 1), true}, now_, zone_).ok());
}

TEST_F(PeriodTest, StartsNotFarFromNow) {
  EXPECT_TRUE(JudgePeriod({now_ + absl::Minutes(1), {}, false}, now_, zone_).ok());
  EXPECT_EQ(JudgePeriod({now_ + absl::Seconds(61), {}, false}, now_, zone_).field, "valid_from");
  EXPECT_TRUE(JudgePeriod({now_ - absl::Hours(720), {}, false}, now_, zone_).ok());
  EXPECT_EQ(JudgePeriod({now_ - absl::Hours(721), {}, false}, now_, zone_).field, "valid_from");
}

// D-4.4a: three months from when it was spoken, however late it is recorded.
TEST_F(PeriodTest, OnSiteStartsWhenItWasSpoken) {
  const Period late = JudgePeriod({Noon(2026, 8, 4), {}, true}, now_, zone_);
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late.from, Noon(2026, 8, 4));
  EXPECT_LT(late.until, Noon(2026, 11, 5));
  EXPECT_GT(late.until, now_);
  EXPECT_EQ(JudgePeriod({Noon(2026, 8, 2), {}, true}, now_, zone_).field, "valid_until");  // over
  EXPECT_EQ(JudgePeriod({Noon(2026, 8, 4), {}, false}, now_, zone_).field, "valid_from");
}

TEST_F(PeriodTest, EndsWithinFiveYearsAndInTheFuture) {
  EXPECT_TRUE(JudgePeriod({{}, Noon(2031, 11, 3), false}, now_, zone_).ok());
  EXPECT_EQ(JudgePeriod({{}, Noon(2031, 11, 3) + absl::Microseconds(1), false}, now_, zone_).field,
            "valid_until");
  EXPECT_EQ(JudgePeriod({{}, now_, false}, now_, zone_).field, "valid_until");
  EXPECT_EQ(JudgePeriod({now_ - absl::Hours(48), now_ - absl::Hours(24), false}, now_, zone_).field,
            "valid_until");
}

TEST_F(PeriodTest, MonthsKeepTheHourAndFitShorterMonths) {
  EXPECT_EQ(AddMonths(Noon(2026, 11, 30), 3, zone_), Noon(2027, 2, 28));
  EXPECT_EQ(AddMonths(Noon(2024, 2, 29), 12, zone_), Noon(2025, 2, 28));
  // 13:00 in Paris in winter, still 13:00 in summer: an hour earlier in UTC.
  EXPECT_EQ(AddMonths(Noon(2026, 1, 15), 6, zone_), Noon(2026, 7, 15) - absl::Hours(1));
  EXPECT_EQ(AddMonths(now_ + absl::Microseconds(123456), 12, zone_),
            Noon(2027, 11, 3) + absl::Microseconds(123456));
}

}  // namespace
}  // namespace relais::consent
