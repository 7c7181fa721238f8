#include "services/alerting/domain/retention.h"

#include <gtest/gtest.h>

#include "common/base/proto_time.h"

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

TEST(Retention, AnAlertIsKeptTwentyFourMonthsAfterItEnded) {
  const auto due = [](v1::Alert::State state, absl::Time now) {
    v1::AlertState alert;
    alert.set_state(state);
    *alert.mutable_raised() = ToProto(At(2020, 1, 1));
    *alert.mutable_changed() = ToProto(At(2024, 11, 10));
    return AlertDue(alert, now, RetentionRules());
  };
  for (const auto state : {v1::Alert::STATE_CLOSED, v1::Alert::STATE_NOT_PERMITTED,
                           v1::Alert::STATE_WITHDRAWN, v1::Alert::STATE_TAKEN}) {
    EXPECT_FALSE(due(state, At(2026, 11, 9))) << state;
    EXPECT_TRUE(due(state, At(2026, 11, 10))) << state;
  }
  for (const auto state :
       {v1::Alert::STATE_PENDING_CONSENT, v1::Alert::STATE_SENT, v1::Alert::STATE_DELIVERED}) {
    EXPECT_FALSE(due(state, At(2036, 11, 10))) << "nobody has looked at it: " << state;
  }
  EXPECT_EQ(AlertsDueBefore(At(2026, 11, 10), RetentionRules()), At(2024, 11, 10));
}

}  // namespace
}  // namespace relais::alerting
