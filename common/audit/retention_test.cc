#include "common/audit/retention.h"

#include <gmock/gmock.h>

namespace relais::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(int year, int month, int day) {
  return absl::FromCivil(absl::CivilDay(year, month, day), absl::UTCTimeZone());
}

TEST(Retention, AMonthIsDueTwelveWholeMonthsAfterItEnded) {  // D-2.10
  EXPECT_THAT(MonthsDue({"2025-10"}, At(2026, 10, 31), 12), IsEmpty());
  EXPECT_THAT(MonthsDue({"2025-10"}, At(2026, 11, 1), 12), ElementsAre("2025-10"));
}

TEST(Retention, OldestFirstAndNothingThatIsNoMonth) {
  EXPECT_THAT(MonthsDue({"2025-02", "2024-12", "nonsense", "2025-00", "2026-11"}, At(2026, 11, 10), 12),
              ElementsAre("2024-12", "2025-02"));
}

TEST(Retention, MonthsAreReadStrictly) {
  EXPECT_EQ(ParseMonth("2026-11").value(), absl::CivilMonth(2026, 11));
  for (const char* wrong : {"", "2026-13", "2026-1", "2026/11", "26-11", "2026-11 ", "abcd-11"}) {
    EXPECT_FALSE(ParseMonth(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace relais::audit
