#include "common/calendar/deadline.h"

#include "gtest/gtest.h"

namespace relais::calendar {
namespace {

using absl::CivilDay;

class DeadlineTest : public ::testing::Test {
 protected:
  absl::Time At(int year, int month, int day, int hour, int minute = 0) const {
    return paris_.At(CivilDay(year, month, day), hour * 60 + minute);
  }
  absl::Time Due(Urgency urgency, absl::Time received) const {
    return ReportDeadline(paris_, desk_, DeadlineRules(), urgency, received);
  }

  const Paris paris_ = Paris::Load().value();
  const OpeningHours desk_ = OpeningHours::Parse("Mo-Fr 09:00-17:00").value();
};

// D-4.5
TEST_F(DeadlineTest, SeriousIs24ElapsedHours) {
  const absl::Time received = At(2026, 10, 24, 22);  // clocks change that night
  EXPECT_EQ(Due(Urgency::kSerious, received), received + absl::Hours(24));
  EXPECT_EQ(Due(Urgency::kSerious, received), At(2026, 10, 25, 21));
}

TEST_F(DeadlineTest, ConcernIsTheCloseOfTheThirdBusinessDay) {
  EXPECT_EQ(Due(Urgency::kConcern, At(2026, 10, 12, 9)), At(2026, 10, 15, 17));
  EXPECT_EQ(Due(Urgency::kConcern, At(2026, 10, 12, 23, 59)), At(2026, 10, 15, 17));
  // Friday evening, Saturday and Sunday all lead to Wednesday.
  EXPECT_EQ(Due(Urgency::kConcern, At(2026, 10, 16, 20)), At(2026, 10, 21, 17));
  EXPECT_EQ(Due(Urgency::kConcern, At(2026, 10, 17, 3)), At(2026, 10, 21, 17));
  EXPECT_EQ(Due(Urgency::kConcern, At(2026, 10, 18, 12)), At(2026, 10, 21, 17));
}

TEST_F(DeadlineTest, HolidaysDoNotCount) {
  // 11 November 2026 is a Wednesday.
  EXPECT_EQ(Due(Urgency::kConcern, At(2026, 11, 9, 10)), At(2026, 11, 13, 17));
  EXPECT_EQ(Due(Urgency::kOther, At(2026, 12, 18, 10)), At(2027, 1, 5, 17));
}

TEST_F(DeadlineTest, OtherIsTenBusinessDays) {
  EXPECT_EQ(Due(Urgency::kOther, At(2026, 10, 12, 9)), At(2026, 10, 26, 17));
}

TEST_F(DeadlineTest, ADeskClosedThatDayHasUntilMidnight) {
  const OpeningHours monday = OpeningHours::Parse("Mo 09:00-12:00").value();
  EXPECT_EQ(BusinessDaysDeadline(paris_, monday, At(2026, 10, 12, 9), 3), At(2026, 10, 16, 0));
}

TEST_F(DeadlineTest, TheDayOfReceiptIsTheParisDay) {
  // 22:30 UTC on Sunday is Monday in Paris.
  const absl::Time received = At(2026, 10, 12, 0, 30);
  EXPECT_EQ(Due(Urgency::kConcern, received), At(2026, 10, 15, 17));
  EXPECT_EQ(Due(Urgency::kConcern, received - absl::Hours(1)), At(2026, 10, 14, 17));
}

TEST_F(DeadlineTest, RulesAreConfiguration) {
  DeadlineRules rules;
  rules.serious = absl::Hours(12);
  rules.concern_days = 1;
  const absl::Time received = At(2026, 10, 12, 9);
  EXPECT_EQ(ReportDeadline(paris_, desk_, rules, Urgency::kSerious, received), received + absl::Hours(12));
  EXPECT_EQ(ReportDeadline(paris_, desk_, rules, Urgency::kConcern, received), At(2026, 10, 13, 17));
}

}  // namespace
}  // namespace relais::calendar
