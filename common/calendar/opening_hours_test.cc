#include "common/calendar/opening_hours.h"

#include "gtest/gtest.h"

namespace relais::calendar {
namespace {

using absl::CivilDay;

class OpeningHoursTest : public ::testing::Test {
 protected:
  absl::Time At(int year, int month, int day, int hour, int minute = 0) const {
    return paris_.At(CivilDay(year, month, day), hour * 60 + minute);
  }

  const Paris paris_ = Paris::Load().value();
  const OpeningHours desk_ = OpeningHours::Parse("Mo-Fr 09:00-12:30,13:30-17:00; Sa 09:00-12:00").value();
};

// D-4.5
TEST_F(OpeningHoursTest, TheCripIsOpenOnWeekdaysFrom9To19) {
  const OpeningHours crip = OpeningHours::Crip();
  EXPECT_FALSE(crip.IsOpen(paris_, At(2026, 10, 14, 8, 59)));
  EXPECT_TRUE(crip.IsOpen(paris_, At(2026, 10, 14, 9)));
  EXPECT_TRUE(crip.IsOpen(paris_, At(2026, 10, 14, 18, 59)));
  EXPECT_FALSE(crip.IsOpen(paris_, At(2026, 10, 14, 19)));
  EXPECT_FALSE(crip.IsOpen(paris_, At(2026, 10, 17, 10)));
  EXPECT_FALSE(crip.IsOpen(paris_, At(2026, 11, 11, 10)));
}

TEST_F(OpeningHoursTest, TheLunchBreakIsClosed) {
  EXPECT_TRUE(desk_.IsOpen(paris_, At(2026, 10, 14, 12, 29)));
  EXPECT_FALSE(desk_.IsOpen(paris_, At(2026, 10, 14, 12, 30)));
  EXPECT_TRUE(desk_.IsOpen(paris_, At(2026, 10, 14, 13, 30)));
  EXPECT_TRUE(desk_.IsOpen(paris_, At(2026, 10, 17, 11)));
  EXPECT_FALSE(desk_.IsOpen(paris_, At(2026, 10, 18, 11)));
}

TEST_F(OpeningHoursTest, NextOpeningIsNowWhenOpen) {
  const absl::Time now = At(2026, 10, 14, 10, 17) + absl::Milliseconds(3);
  EXPECT_EQ(desk_.NextOpening(paris_, now), now);
}

TEST_F(OpeningHoursTest, NextOpeningSkipsBreaksNightsWeekEndsAndHolidays) {
  EXPECT_EQ(desk_.NextOpening(paris_, At(2026, 10, 14, 12, 30)), At(2026, 10, 14, 13, 30));
  EXPECT_EQ(desk_.NextOpening(paris_, At(2026, 10, 14, 17)), At(2026, 10, 15, 9));
  EXPECT_EQ(desk_.NextOpening(paris_, At(2026, 10, 17, 12)), At(2026, 10, 19, 9));
  // Easter week-end 2026.
  EXPECT_EQ(OpeningHours::Crip().NextOpening(paris_, At(2026, 4, 3, 19)), At(2026, 4, 7, 9));
  EXPECT_EQ(desk_.NextOpening(paris_, absl::InfiniteFuture()), absl::InfiniteFuture());
}

TEST_F(OpeningHoursTest, AlwaysIsOpenOnHolidaysAndAtEveryInstantOfTheChangeOfHour) {
  const OpeningHours always = OpeningHours::Always();
  EXPECT_TRUE(always.IsOpen(paris_, At(2026, 12, 25, 3)));
  for (const CivilDay day : {CivilDay(2026, 3, 29), CivilDay(2026, 10, 25)}) {
    for (absl::Time t = paris_.StartOf(day); t < paris_.EndOf(day); t += absl::Minutes(10)) {
      EXPECT_TRUE(always.IsOpen(paris_, t)) << absl::FormatTime(t, paris_.zone());
    }
  }
}

TEST_F(OpeningHoursTest, AnIntervalFollowsTheClocksThroughTheChangeOfHour) {
  const OpeningHours night = OpeningHours::Create({{absl::Weekday::sunday, 60, 240}}, false).value();
  // 01:00–04:00 lasts two hours in spring and four in autumn.
  const absl::Time spring = At(2026, 3, 29, 1);
  EXPECT_TRUE(night.IsOpen(paris_, spring + absl::Minutes(119)));
  EXPECT_FALSE(night.IsOpen(paris_, spring + absl::Minutes(120)));
  const absl::Time autumn = At(2026, 10, 25, 1);
  EXPECT_TRUE(night.IsOpen(paris_, autumn + absl::Minutes(239)));
  EXPECT_FALSE(night.IsOpen(paris_, autumn + absl::Minutes(240)));
}

TEST_F(OpeningHoursTest, AnIntervalInsideTheSkippedHourDoesNotExist) {
  const OpeningHours skipped = OpeningHours::Create({{absl::Weekday::sunday, 130, 170}}, false).value();
  EXPECT_EQ(skipped.LastClosing(paris_, CivilDay(2026, 3, 29)), std::nullopt);
  EXPECT_EQ(skipped.NextOpening(paris_, At(2026, 3, 29, 0)), At(2026, 4, 5, 2, 10));
}

TEST_F(OpeningHoursTest, AddOpenTimeCountsOnlyOpenTime) {
  // Wednesday 16:00 + 2 h: one hour left that day, one the next morning.
  EXPECT_EQ(desk_.AddOpenTime(paris_, At(2026, 10, 14, 16), absl::Hours(2)), At(2026, 10, 15, 10));
  // Exactly to closing time stays on the day.
  EXPECT_EQ(desk_.AddOpenTime(paris_, At(2026, 10, 14, 16), absl::Hours(1)), At(2026, 10, 14, 17));
  // Across lunch, from before opening.
  EXPECT_EQ(desk_.AddOpenTime(paris_, At(2026, 10, 14, 6), absl::Hours(4)), At(2026, 10, 14, 14));
  // Through a week-end with Saturday morning: Friday 17:00 + 4 h = 3 h on Saturday, 1 h on Monday.
  EXPECT_EQ(desk_.AddOpenTime(paris_, At(2026, 10, 16, 17), absl::Hours(4)), At(2026, 10, 19, 10));
  EXPECT_EQ(desk_.AddOpenTime(paris_, At(2026, 10, 18, 3), absl::ZeroDuration()), At(2026, 10, 18, 3));
  // Round the clock, an hour is an hour even when clocks change.
  const absl::Time eve = At(2026, 10, 24, 20);
  EXPECT_EQ(OpeningHours::Always().AddOpenTime(paris_, eve, absl::Hours(24)), eve + absl::Hours(24));
  EXPECT_EQ(OpeningHours::Crip().AddOpenTime(paris_, eve, absl::Hours(1'000'000)), absl::InfiniteFuture());
}

TEST_F(OpeningHoursTest, LastClosingIsTheEveningOne) {
  EXPECT_EQ(desk_.LastClosing(paris_, CivilDay(2026, 10, 14)), At(2026, 10, 14, 17));
  EXPECT_EQ(desk_.LastClosing(paris_, CivilDay(2026, 10, 18)), std::nullopt);
  EXPECT_EQ(desk_.LastClosing(paris_, CivilDay(2026, 11, 11)), std::nullopt);
}

TEST_F(OpeningHoursTest, TextRoundTrips) {
  for (const char* text :
       {"24/7", "Mo 09:00-12:00", "Mo-Su 00:00-24:00", "Mo,We,Fr-Sa 08:15-09:45,10:00-10:01"}) {
    const auto hours = OpeningHours::Parse(text);
    ASSERT_TRUE(hours.ok()) << text << ": " << hours.status();
    EXPECT_EQ(OpeningHours::Parse(hours->ToString()).value(), *hours) << text;
  }
  EXPECT_EQ(OpeningHours::Always().ToString(), "24/7");
  for (const char* text : {"Mo-Fr 09:00-17:00", "Mo-Fr 09:00-12:30,13:30-17:00; Sa 09:00-12:00",
                           "Mo 09:00-12:00; We 09:00-12:00", "Mo-Su 19:00-24:00"}) {
    EXPECT_EQ(OpeningHours::Parse(text)->ToString(), text);
  }
}

TEST_F(OpeningHoursTest, RefusesWhatIsNotHours) {
  for (const char* text : {"",
                           ";",
                           "24/24",
                           "Mo",
                           "09:00-12:00",
                           "Lu 09:00-12:00",
                           "mo 09:00-12:00",
                           "Mo 9:00-12:00",
                           "Mo 09:00",
                           "Mo 09:60-12:00",
                           "Mo 12:00-09:00",
                           "Mo 09:00-09:00",
                           "Mo 09:00-24:01",
                           "Fr-Mo 09:00-12:00",
                           "Mo-We-Fr 09:00-12:00",
                           "Mo 09:00-12:00 13:00-14:00",
                           "Mo 09:00-12:00;",
                           "Mo 09:00-12:00-13:00",
                           "Mo +9:00-12:00",
                           "Mo 09:00-12:00; Mo 11:00-13:00"}) {
    EXPECT_EQ(OpeningHours::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(OpeningHours::Parse("Mo 09:00-12:00,12:00-13:00").ok());
  EXPECT_FALSE(OpeningHours::Create({}).ok());
}

}  // namespace
}  // namespace relais::calendar
