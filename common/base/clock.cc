#include "common/base/clock.h"

#include <chrono>
#include <ctime>

namespace relais {

absl::Time SystemClock::Now() const { return absl::FromChrono(std::chrono::system_clock::now()); }

absl::Duration SystemClock::Monotonic() const {
  // Not CLOCK_MONOTONIC, which stands still while the machine sleeps: a lease must not outlast that.
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace relais
