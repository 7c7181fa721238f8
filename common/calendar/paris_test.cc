#include "common/calendar/paris.h"

#include "gtest/gtest.h"

namespace relais::calendar {
namespace {

using absl::CivilDay;

absl::Time Instant(const char* text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

class ParisTest : public ::testing::Test {
 protected:
  const Paris paris_ = Paris::Load().value();
};

// D-6.2
TEST_F(ParisTest, ADayBeginsAtMidnightInParis) {
  EXPECT_EQ(paris_.DayOf(Instant("2026-10-14T21:59:59Z")), CivilDay(2026, 10, 14));
  EXPECT_EQ(paris_.DayOf(Instant("2026-10-14T22:00:00Z")), CivilDay(2026, 10, 15));
  EXPECT_EQ(paris_.DayOf(Instant("2026-12-31T22:59:59Z")), CivilDay(2026, 12, 31));
  EXPECT_EQ(paris_.DayOf(Instant("2026-12-31T23:00:00Z")), CivilDay(2027, 1, 1));
}

TEST_F(ParisTest, DaysOfChangeLast23And25Hours) {
  const CivilDay spring(2026, 3, 29);
  const CivilDay autumn(2026, 10, 25);
  EXPECT_EQ(paris_.EndOf(spring) - paris_.StartOf(spring), absl::Hours(23));
  EXPECT_EQ(paris_.EndOf(autumn) - paris_.StartOf(autumn), absl::Hours(25));
  EXPECT_EQ(paris_.EndOf(autumn + 1) - paris_.StartOf(autumn + 1), absl::Hours(24));
}

TEST_F(ParisTest, AtFollowsTheClocks) {
  EXPECT_EQ(paris_.At(CivilDay(2026, 7, 1), 9 * 60), Instant("2026-07-01T07:00:00Z"));
  EXPECT_EQ(paris_.At(CivilDay(2026, 1, 5), 9 * 60), Instant("2026-01-05T08:00:00Z"));
  EXPECT_EQ(paris_.At(CivilDay(2026, 1, 5), 1440), paris_.EndOf(CivilDay(2026, 1, 5)));
  // 02:30 does not exist on 29 March: the instant of the change. It exists twice on 25 October: the first.
  EXPECT_EQ(paris_.At(CivilDay(2026, 3, 29), 150), Instant("2026-03-29T01:00:00Z"));
  EXPECT_EQ(paris_.At(CivilDay(2026, 10, 25), 150), Instant("2026-10-25T00:30:00Z"));
  // Nine in the morning is nine on the clocks, on both days.
  EXPECT_EQ(paris_.At(CivilDay(2026, 3, 29), 540), Instant("2026-03-29T07:00:00Z"));
  EXPECT_EQ(paris_.At(CivilDay(2026, 10, 25), 540), Instant("2026-10-25T08:00:00Z"));
}

}  // namespace
}  // namespace relais::calendar
