// Time, injected. No core reads the machine's clock.
#pragma once

#include "absl/time/time.h"

namespace relais {

/// Thread-safe. `Now` is the civil instant (may jump); `Monotonic` never goes back, goes on while the machine
/// sleeps, and has no meaning but in differences.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual absl::Time Now() const = 0;
  [[nodiscard]] virtual absl::Duration Monotonic() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] absl::Time Now() const override;
  [[nodiscard]] absl::Duration Monotonic() const override;
};

/// `--test-clock`: shows `test_start` + the time elapsed since the real instant `real_start`. Every process
/// that is given the same pair shows the same time, restarts included.
class ShiftedClock final : public Clock {
 public:
  ShiftedClock(absl::Time test_start, absl::Time real_start) : offset_(test_start - real_start) {}
  [[nodiscard]] absl::Time Now() const override { return real_.Now() + offset_; }
  [[nodiscard]] absl::Duration Monotonic() const override { return real_.Monotonic(); }

 private:
  SystemClock real_;
  absl::Duration offset_;
};

}  // namespace relais
