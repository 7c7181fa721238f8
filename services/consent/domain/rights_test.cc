#include "services/consent/domain/rights.h"

#include <gtest/gtest.h>

namespace relais::consent {
namespace {

using Day = absl::CivilDay;

constexpr absl::CivilDay kReceived(2026, 11, 30);
constexpr absl::CivilDay kDue(2026, 12, 30);
constexpr absl::CivilDay kLongDue(2027, 2, 28);  // clamped: there is no 30 February

RightsCase Case(v1::RightsStatus status, absl::CivilDay due) {
  RightsCase made;
  made.status = status;
  made.received = kReceived;
  made.due = due;
  return made;
}

// RGPD art. 12.3.
TEST(Rights, OneMonthFromTheDayOfReceipt) {
  struct Row {
    absl::CivilDay received;
    absl::CivilDay due;
  };
  for (const Row& row : {Row{Day(2026, 11, 3), Day(2026, 12, 3)}, Row{Day(2026, 12, 31), Day(2027, 1, 31)},
                         Row{Day(2027, 1, 29), Day(2027, 2, 28)}, Row{Day(2027, 1, 31), Day(2027, 2, 28)},
                         Row{Day(2028, 1, 31), Day(2028, 2, 29)},
                         // 1 November is a Sunday and a holiday: nothing is moved.
                         Row{Day(2026, 10, 1), Day(2026, 11, 1)}}) {
    const RightsVerdict opened = OpenCase(row.received, row.received);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened.next.due, row.due) << row.received;
    EXPECT_EQ(opened.next.status, v1::RIGHTS_STATUS_OPEN);
  }
}

TEST(Rights, ReceivedNeitherTomorrowNorLongAgo) {
  EXPECT_EQ(OpenCase(kReceived + 1, kReceived).problem, RightsProblem::kInTheFuture);
  EXPECT_TRUE(OpenCase(kReceived - 90, kReceived).ok());
  EXPECT_EQ(OpenCase(kReceived - 91, kReceived).problem, RightsProblem::kTooFarBack);
}

// The last day counts whole, in Paris, summer and winter time alike.
TEST(Rights, OverdueFromMidnightAfterTheLastDay) {
  const calendar::Paris paris = *calendar::Paris::Load();
  EXPECT_EQ(OverdueFrom(Case(v1::RIGHTS_STATUS_OPEN, kDue), paris),
            absl::FromCivil(absl::CivilHour(2026, 12, 30, 23), absl::UTCTimeZone()));
  EXPECT_EQ(OverdueFrom(Case(v1::RIGHTS_STATUS_OPEN, Day(2027, 6, 1)), paris),
            absl::FromCivil(absl::CivilHour(2027, 6, 1, 22), absl::UTCTimeZone()));
}

TEST(Rights, TheTable) {
  const RightsCase open = Case(v1::RIGHTS_STATUS_OPEN, kDue);
  const RightsCase extended = Case(v1::RIGHTS_STATUS_EXTENDED, kLongDue);
  RightsCase answered = Case(v1::RIGHTS_STATUS_ANSWERED, kDue);
  answered.outcome = v1::RIGHTS_OUTCOME_GRANTED;
  struct Row {
    const char* name;
    RightsCase from;
    v1::RightsOutcome outcome;
    const char* reasons;
    absl::CivilDay today;
    RightsProblem problem;
    v1::RightsStatus status;
    absl::CivilDay due;
  };
  using enum RightsProblem;
  const std::vector<Row> table = {
      {"granted", open, v1::RIGHTS_OUTCOME_GRANTED, "", kDue, kNone, v1::RIGHTS_STATUS_ANSWERED, kDue},
      {"granted late", open, v1::RIGHTS_OUTCOME_GRANTED, "", kDue + 9, kNone, v1::RIGHTS_STATUS_ANSWERED,
       kDue},
      {"taken back", open, v1::RIGHTS_OUTCOME_TAKEN_BACK, "", kDue, kNone, v1::RIGHTS_STATUS_ANSWERED, kDue},
      {"refused without reasons", open, v1::RIGHTS_OUTCOME_REFUSED, "", kDue, kNoReasons, {}, {}},
      {"refused", open, v1::RIGHTS_OUTCOME_REFUSED, "r", kDue, kNone, v1::RIGHTS_STATUS_ANSWERED, kDue},
      {"in part without reasons", open, v1::RIGHTS_OUTCOME_PARTLY_GRANTED, "", kDue, kNoReasons, {}, {}},
      {"in part", open, v1::RIGHTS_OUTCOME_PARTLY_GRANTED, "r", kDue, kNone, v1::RIGHTS_STATUS_ANSWERED,
       kDue},
      {"extended on the last day", open, v1::RIGHTS_OUTCOME_EXTENDED, "r", kDue, kNone,
       v1::RIGHTS_STATUS_EXTENDED, kLongDue},
      {"extended without reasons", open, v1::RIGHTS_OUTCOME_EXTENDED, "", kDue, kNoReasons, {}, {}},
      {"extended a day late", open, v1::RIGHTS_OUTCOME_EXTENDED, "r", kDue + 1, kTooLateToExtend, {}, {}},
      {"extended twice", extended, v1::RIGHTS_OUTCOME_EXTENDED, "r", kDue, kExtendedAlready, {}, {}},
      {"granted after the extension", extended, v1::RIGHTS_OUTCOME_GRANTED, "", kLongDue, kNone,
       v1::RIGHTS_STATUS_ANSWERED, kLongDue},
      {"answered twice", answered, v1::RIGHTS_OUTCOME_GRANTED, "", kDue, kAnswered, {}, {}},
      {"extended after the answer", answered, v1::RIGHTS_OUTCOME_EXTENDED, "r", kDue, kAnswered, {}, {}},
  };
  for (const Row& row : table) {
    const RightsVerdict verdict = AnswerCase(row.from, row.outcome, row.reasons, row.today);
    EXPECT_EQ(verdict.problem, row.problem) << row.name;
    if (verdict.ok()) {
      EXPECT_EQ(verdict.next.status, row.status) << row.name;
      EXPECT_EQ(verdict.next.due, row.due) << row.name;
      EXPECT_EQ(verdict.next.received, kReceived) << row.name;
      EXPECT_EQ(verdict.next.outcome, verdict.next.status == v1::RIGHTS_STATUS_ANSWERED
                                          ? row.outcome
                                          : v1::RIGHTS_OUTCOME_UNSPECIFIED)
          << row.name;
    }
  }
}

}  // namespace
}  // namespace relais::consent
