// A clock that moves only when told. Thread-safe.
#pragma once

#include <mutex>

#include "common/base/clock.h"

namespace relais::testing {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start) : now_(start) {}

  [[nodiscard]] absl::Time Now() const override {
    std::lock_guard lock(mu_);
    return now_;
  }
  [[nodiscard]] absl::Duration Monotonic() const override {
    std::lock_guard lock(mu_);
    return monotonic_;
  }
  void Advance(absl::Duration d) {
    std::lock_guard lock(mu_);
    now_ += d;
    monotonic_ += d;
  }
  /// Moves the civil clock alone, as an operator or a bad time server does.
  void SetCivil(absl::Time t) {
    std::lock_guard lock(mu_);
    now_ = t;
  }

 private:
  mutable std::mutex mu_;
  absl::Time now_;
  absl::Duration monotonic_ = absl::ZeroDuration();
};

}  // namespace relais::testing
