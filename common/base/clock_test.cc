#include "common/base/clock.h"

#include <gtest/gtest.h>

#include <ctime>

#include "common/base/testing/fake_clock.h"

namespace relais {
namespace {

TEST(Clock, MonotonicNeverGoesBack) {
  SystemClock clock;
  absl::Duration last = clock.Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = clock.Monotonic();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, MonotonicCountsTheMachinesSleep) {
  const auto since_boot = [] {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return absl::DurationFromTimespec(now);
  };
  const absl::Duration before = since_boot();
  const absl::Duration now = SystemClock().Monotonic();
  EXPECT_LE(before, now);
  EXPECT_LE(now, since_boot());
}

TEST(Clock, ShiftedClocksOfTwoProcessesAgree) {
  const absl::Time real = SystemClock().Now();
  const absl::Time start = absl::FromUnixSeconds(1795000000);
  ShiftedClock a(start, real);
  ShiftedClock b(start, real);
  EXPECT_LT(absl::AbsDuration(a.Now() - b.Now()), absl::Seconds(1));
  EXPECT_LT(absl::AbsDuration(a.Now() - start), absl::Seconds(5));
}

TEST(Clock, FakeClockMovesOnlyWhenTold) {
  testing::FakeClock clock(absl::FromUnixSeconds(100));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(100));
  clock.Advance(absl::Seconds(5));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(105));
  clock.SetCivil(absl::FromUnixSeconds(50));
  EXPECT_EQ(clock.Now(), absl::FromUnixSeconds(50));
  EXPECT_EQ(clock.Monotonic(), absl::Seconds(5));
}

}  // namespace
}  // namespace relais
