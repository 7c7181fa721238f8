#include "services/cli/import_results.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace relais::cli {
namespace {

struct Told {
  std::vector<std::string> lines;

  ImportResults::Sink Sink() {
    return [this](uint64_t line, std::string_view reference, const feeds::Outcome& outcome,
                  std::string_view field) {
      lines.push_back(absl::StrCat(line, " ", std::string(reference), " ",
                                   std::string(feeds::OutcomeKindName(outcome.kind)), " ",
                                   std::string(feeds::ReasonName(outcome.reason)), " ", std::string(field),
                                   outcome.retry_after.has_value() ? " retry" : ""));
    };
  }
};

PlannedRow Waiting(uint64_t line) {
  PlannedRow row;
  row.line = line;
  row.reference = absl::StrCat("R", line);
  row.wire.emplace().set_line(line);
  return row;
}

PlannedRow Refused(uint64_t line, feeds::Reason reason, std::string_view field) {
  PlannedRow row;
  row.line = line;
  row.local.emplace();
  row.local->kind = feeds::OutcomeKind::kRefused;
  row.local->reason = reason;
  row.local->field = field;
  return row;
}

alerting::v1::RowResult Result(uint64_t line, alerting::v1::Outcome outcome, const std::string& reason = "") {
  alerting::v1::RowResult result;
  result.set_line(line);
  result.set_outcome(outcome);
  result.set_reason(reason);
  return result;
}

TEST(ImportResults, KeepTheOrderOfTheFile) {
  Told told;
  ImportResults results(told.Sink());
  results.Add(Refused(2, feeds::Reason::kBadDate, "date_evenement"));
  EXPECT_EQ(told.lines.size(), 1U);
  results.Add(Waiting(3));
  results.Add(Refused(4, feeds::Reason::kTooLong, "nom"));
  results.Add(Waiting(5));
  EXPECT_EQ(told.lines.size(), 1U);
  EXPECT_EQ(results.held(), 3U);
  ASSERT_TRUE(results.Answer(Result(3, alerting::v1::OUTCOME_ACCEPTED)).ok());
  EXPECT_EQ(told.lines.size(), 3U);
  ASSERT_TRUE(results.Answer(Result(5, alerting::v1::OUTCOME_DUPLICATE)).ok());
  const std::vector<std::string> want = {"2  REFUSED BAD_DATE date_evenement", "3 R3 ACCEPTED  ",
                                         "4  REFUSED TOO_LONG nom", "5 R5 DUPLICATE  "};
  EXPECT_EQ(told.lines, want);
  EXPECT_EQ(results.held(), 0U);
  EXPECT_EQ(results.tally().rows, 4U);
  EXPECT_EQ(results.tally().refused, 2U);
}

TEST(ImportResults, TheServiceHasTheLastWordOnANotice) {
  Told told;
  ImportResults results(told.Sink());
  PlannedRow gated = Refused(2, feeds::Reason::kTooEarly, "date_evenement");
  gated.local->retry_after = absl::CivilDay(2026, 11, 26);
  gated.wire.emplace().mutable_gated();
  results.Add(gated);
  gated.line = 3;
  results.Add(gated);
  ASSERT_TRUE(results.Answer(Result(2, alerting::v1::OUTCOME_DUPLICATE)).ok());
  // The same refusal keeps the field and the day that only the sender's machine knows.
  ASSERT_TRUE(results.Answer(Result(3, alerting::v1::OUTCOME_REFUSED, "TOO_EARLY")).ok());
  const std::vector<std::string> want = {"2  DUPLICATE  ", "3  REFUSED TOO_EARLY date_evenement retry"};
  EXPECT_EQ(told.lines, want);
}

TEST(ImportResults, ARowWithoutAnswerHasNoOutcome) {
  Told told;
  ImportResults results(told.Sink());
  results.Add(Waiting(2));
  results.Add(Refused(3, feeds::Reason::kTooLong, "nom"));
  results.Add(Waiting(4));
  results.Abandon();
  const std::vector<std::string> want = {"3  REFUSED TOO_LONG nom"};
  EXPECT_EQ(told.lines, want);
  EXPECT_EQ(results.tally().undecided, 2U);
}

TEST(ImportResults, AnAnswerAboutAnotherRowIsRefused) {
  Told told;
  ImportResults results(told.Sink());
  EXPECT_FALSE(results.Answer(Result(2, alerting::v1::OUTCOME_ACCEPTED)).ok());
  results.Add(Waiting(2));
  EXPECT_FALSE(results.Answer(Result(3, alerting::v1::OUTCOME_ACCEPTED)).ok());
  EXPECT_FALSE(results.Answer(Result(2, alerting::v1::OUTCOME_UNSPECIFIED)).ok());
  EXPECT_FALSE(results.Answer(Result(2, alerting::v1::OUTCOME_REFUSED)).ok());
  EXPECT_FALSE(results.Answer(Result(2, alerting::v1::OUTCOME_REFUSED, "NEW_WORD")).ok());
  EXPECT_FALSE(results.Answer(Result(2, alerting::v1::OUTCOME_ACCEPTED, "TOO_LONG")).ok());
  EXPECT_TRUE(told.lines.empty());
}

}  // namespace
}  // namespace relais::cli
