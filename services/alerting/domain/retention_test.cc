#include "services/alerting/domain/retention.h"

#include <gtest/gtest.h>

namespace relais::alerting {
namespace {

absl::Time At(int year, int month, int day) {
  return absl::FromCivil(absl::CivilDay(year, month, day), absl::UTCTimeZone());
}

TEST(Retention, ASignalWithoutAlertIsKeptThirteenMonths) {  // D-2.10
  const RetentionRules rules;
  EXPECT_FALSE(SignalDue(At(2025, 10, 10), false, At(2026, 11, 9), rules));
  EXPECT_TRUE(SignalDue(At(2025, 10, 10), false, At(2026, 11, 10), rules));
  EXPECT_FALSE(SignalDue(At(2020, 10, 10), true, At(2026, 11, 10), rules))
      << "its alert has a rule of its own";
}

TEST(Retention, NeverBeforeItsTimeWhateverTheMonthsLengths) {
  EXPECT_FALSE(SignalDue(At(2026, 1, 31), false, At(2027, 2, 28), RetentionRules()));
  EXPECT_TRUE(SignalDue(At(2026, 1, 31), false, At(2027, 3, 3), RetentionRules()));
}

TEST(Retention, WhatAPurgeSaysItsBoundWas) {
  EXPECT_EQ(SignalsDueBefore(At(2026, 11, 10), RetentionRules()), At(2025, 10, 10));
}

}  // namespace
}  // namespace relais::alerting
