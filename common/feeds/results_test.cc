#include "common/feeds/results.h"

#include <gtest/gtest.h>

namespace relais::feeds {
namespace {

TEST(Results, OneLinePerRow) {
  EXPECT_EQ(ResultsLine(2, "EDF-1", Outcome()), "2;EDF-1;ACCEPTED;;\n");
  Outcome duplicate;
  duplicate.kind = OutcomeKind::kDuplicate;
  EXPECT_EQ(ResultsLine(3, "EDF-1", duplicate), "3;EDF-1;DUPLICATE;;\n");
  Outcome early;
  early.kind = OutcomeKind::kRefused;
  early.reason = Reason::kTooEarly;
  early.retry_after = absl::CivilDay(2026, 11, 7);
  EXPECT_EQ(ResultsLine(4, "EDF-2", early), "4;EDF-2;REFUSED;TOO_EARLY;2026-11-07\n");
  EXPECT_EQ(RefusedLine(4, "EDF-2", Reason::kTooEarly, "date_evenement"),
            "4;EDF-2;TOO_EARLY;date_evenement\n");
}

TEST(Results, AReferenceThatCouldBePersonalIsLeftOut) {
  for (const char* reference :
       {"206127511100564", "2-06-12-75-111-005-64", "Jeanne Dupont", "=cmd()", "é", "a;b"}) {
    EXPECT_EQ(RefusedLine(4, reference, Reason::kMalformed, "reference"), "4;;MALFORMED;reference\n")
        << reference;
    EXPECT_EQ(ResultsLine(4, reference, Outcome()), "4;;ACCEPTED;;\n") << reference;
  }
}

TEST(Reason, NamesGoBothWays) {
  for (int i = 1; i <= 20; ++i) {
    const auto reason = static_cast<Reason>(i);
    const std::string_view name = ReasonName(reason);
    if (i == 15) {
      EXPECT_EQ(name, "");
      continue;
    }
    EXPECT_EQ(ParseReason(name), reason) << name;
  }
  EXPECT_EQ(ReasonName(Reason::kNone), "");
  EXPECT_FALSE(ParseReason(""));
  EXPECT_EQ(ParseFeedType("bspp"), FeedType::kBspp);
  EXPECT_FALSE(ParseFeedType("EDF"));
}

}  // namespace
}  // namespace relais::feeds
