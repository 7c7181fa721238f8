#include "common/calendar/days.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace relais::calendar {
namespace {

using absl::CivilDay;
using ::testing::ElementsAre;

// D-6.1
TEST(DaysTest, EasterFallsWhereTheDocumentSays) {
  EXPECT_EQ(EasterSunday(2024), CivilDay(2024, 3, 31));
  EXPECT_EQ(EasterSunday(2025), CivilDay(2025, 4, 20));
  EXPECT_EQ(EasterSunday(2026), CivilDay(2026, 4, 5));
  EXPECT_EQ(EasterSunday(2027), CivilDay(2027, 3, 28));
  EXPECT_EQ(EasterSunday(2028), CivilDay(2028, 4, 16));
  // The earliest and latest dates of the period, where shortcuts of the algorithm go wrong.
  EXPECT_EQ(EasterSunday(1818), CivilDay(1818, 3, 22));
  EXPECT_EQ(EasterSunday(1943), CivilDay(1943, 4, 25));
  EXPECT_EQ(EasterSunday(2038), CivilDay(2038, 4, 25));
}

TEST(DaysTest, EasterIsASundayInMarchOrAprilEveryYear) {
  for (int year = 1900; year <= 2200; ++year) {
    const CivilDay easter = EasterSunday(year);
    EXPECT_EQ(absl::GetWeekday(easter), absl::Weekday::sunday) << year;
    EXPECT_GE(easter, CivilDay(year, 3, 22));
    EXPECT_LE(easter, CivilDay(year, 4, 25));
  }
}

// D-6.1
TEST(DaysTest, TheElevenHolidaysOf2026) {
  EXPECT_THAT(
      PublicHolidays(2026),
      ElementsAre(CivilDay(2026, 1, 1), CivilDay(2026, 4, 6), CivilDay(2026, 5, 1), CivilDay(2026, 5, 8),
                  CivilDay(2026, 5, 14), CivilDay(2026, 5, 25), CivilDay(2026, 7, 14), CivilDay(2026, 8, 15),
                  CivilDay(2026, 11, 1), CivilDay(2026, 11, 11), CivilDay(2026, 12, 25)));
}

TEST(DaysTest, TwoHolidaysOnOneDayAreListedOnce) {
  // Ascension 2008 fell on 1 May, Ascension 2024 on 9 May.
  EXPECT_EQ(PublicHolidays(2008).size(), 10U);
  EXPECT_EQ(PublicHolidays(2024).size(), 11U);
}

TEST(DaysTest, TheListAndTheTestAgreeOnEveryDay) {
  for (int year = 2020; year <= 2040; ++year) {
    const auto holidays = PublicHolidays(year);
    for (CivilDay day(year, 1, 1); day.year() == year; ++day) {
      const bool listed = std::find(holidays.begin(), holidays.end(), day) != holidays.end();
      EXPECT_EQ(IsPublicHoliday(day), listed) << day;
    }
  }
}

TEST(DaysTest, GoodFridayAndSecondOfJanuaryAreWorked) {
  EXPECT_FALSE(IsPublicHoliday(CivilDay(2026, 4, 3)));
  EXPECT_FALSE(IsPublicHoliday(CivilDay(2026, 1, 2)));
  EXPECT_FALSE(IsPublicHoliday(CivilDay(2026, 12, 26)));
}

// D-6.2
TEST(DaysTest, SaturdayIsOuvrableNotOuvre) {
  const CivilDay saturday(2026, 10, 17);
  EXPECT_TRUE(IsJourOuvrable(saturday));
  EXPECT_FALSE(IsJourOuvre(saturday));
  EXPECT_FALSE(IsJourOuvrable(saturday + 1));
  EXPECT_FALSE(IsJourOuvre(saturday + 1));
  EXPECT_TRUE(IsJourOuvre(saturday + 2));
  // 15 August 2026 is a Saturday and a holiday.
  EXPECT_FALSE(IsJourOuvrable(CivilDay(2026, 8, 15)));
}

TEST(DaysTest, NextJourOuvreIsStrictlyAfter) {
  EXPECT_EQ(NextJourOuvre(CivilDay(2026, 10, 14)), CivilDay(2026, 10, 15));
  EXPECT_EQ(NextJourOuvre(CivilDay(2026, 10, 16)), CivilDay(2026, 10, 19));
  // From Maundy Thursday 2026: Friday is worked, then Easter Monday is not.
  EXPECT_EQ(NextJourOuvre(CivilDay(2026, 4, 2)), CivilDay(2026, 4, 3));
  EXPECT_EQ(NextJourOuvre(CivilDay(2026, 4, 3)), CivilDay(2026, 4, 7));
}

// D-1.11
TEST(DaysTest, AddJoursOuvresDoesNotCountTheFirstDay) {
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 10, 12), 0), CivilDay(2026, 10, 12));
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 10, 12), -4), CivilDay(2026, 10, 12));
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 10, 12), 1), CivilDay(2026, 10, 13));
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 10, 12), 5), CivilDay(2026, 10, 19));
  // A week-end start counts from the Monday; 1 and 8 May 2026 are Fridays.
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 10, 17), 1), CivilDay(2026, 10, 19));
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 4, 30), 5), CivilDay(2026, 5, 11));
  // Christmas and the New Year.
  EXPECT_EQ(AddJoursOuvres(CivilDay(2026, 12, 24), 5), CivilDay(2027, 1, 4));
}

// D-1.8
TEST(DaysTest, WinterTruceIncludesBothEnds) {
  EXPECT_FALSE(InWinterTruce(CivilDay(2026, 10, 31)));
  EXPECT_TRUE(InWinterTruce(CivilDay(2026, 11, 1)));
  EXPECT_TRUE(InWinterTruce(CivilDay(2026, 12, 31)));
  EXPECT_TRUE(InWinterTruce(CivilDay(2028, 2, 29)));
  EXPECT_TRUE(InWinterTruce(CivilDay(2027, 3, 31)));
  EXPECT_FALSE(InWinterTruce(CivilDay(2027, 4, 1)));
  EXPECT_FALSE(InWinterTruce(CivilDay(2026, 7, 14)));
}

// D-4.4a
TEST(DaysTest, AgeChangesOnTheBirthday) {
  const CivilDay birth(2008, 10, 17);
  EXPECT_EQ(AgeOn(birth, CivilDay(2008, 10, 17)), 0);
  EXPECT_EQ(AgeOn(birth, CivilDay(2008, 10, 16)), -1);
  EXPECT_EQ(AgeOn(birth, CivilDay(2026, 10, 16)), 17);
  EXPECT_EQ(AgeOn(birth, CivilDay(2026, 10, 17)), 18);
  EXPECT_TRUE(IsMinorOn(birth, CivilDay(2026, 10, 16)));
  EXPECT_FALSE(IsMinorOn(birth, CivilDay(2026, 10, 17)));
  EXPECT_TRUE(IsMinorOn(CivilDay(2027, 1, 1), CivilDay(2026, 10, 17)));
}

TEST(DaysTest, BornOn29FebruaryIsAdultOnFirstOfMarch) {
  const CivilDay birth(2008, 2, 29);
  EXPECT_TRUE(IsMinorOn(birth, CivilDay(2026, 2, 28)));
  EXPECT_FALSE(IsMinorOn(birth, CivilDay(2026, 3, 1)));
  // Where the day exists, on the day.
  EXPECT_EQ(AgeOn(birth, CivilDay(2028, 2, 28)), 19);
  EXPECT_EQ(AgeOn(birth, CivilDay(2028, 2, 29)), 20);
}

TEST(Days, MonthsAreClampedAtTheirEnd) {
  EXPECT_EQ(AddMonths(absl::CivilDay(2026, 11, 3), 1), absl::CivilDay(2026, 12, 3));
  EXPECT_EQ(AddMonths(absl::CivilDay(2026, 12, 31), 1), absl::CivilDay(2027, 1, 31));
  EXPECT_EQ(AddMonths(absl::CivilDay(2027, 1, 31), 1), absl::CivilDay(2027, 2, 28));
  EXPECT_EQ(AddMonths(absl::CivilDay(2028, 1, 31), 1), absl::CivilDay(2028, 2, 29));
  EXPECT_EQ(AddMonths(absl::CivilDay(2026, 11, 30), 3), absl::CivilDay(2027, 2, 28));
  EXPECT_EQ(AddMonths(absl::CivilDay(2026, 11, 30), 0), absl::CivilDay(2026, 11, 30));
}

}  // namespace
}  // namespace relais::calendar
