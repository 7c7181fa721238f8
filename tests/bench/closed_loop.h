// A closed loop of calls: a fixed number in flight, each replaced by the next when it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace relais::bench {

struct Loop {
  int in_flight = 64;
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration measured = absl::Seconds(5);
  /// When not zero: exactly so many calls, without warm-up, however long they take.
  uint64_t calls = 0;
};

/// What a loop showed. Only calls that ended within the measured time count.
struct Figure {
  std::string name;
  uint64_t calls = 0;
  double seconds = 0;
  absl::Duration p50;
  absl::Duration p99;
  absl::Duration longest;
  uint64_t errors = 0;  // of all calls, warm-up included
  absl::Status first_error;

  [[nodiscard]] double PerSecond() const { return seconds > 0 ? static_cast<double>(calls) / seconds : 0; }
};

/// Starts call `number` in `slot` (0 to in_flight − 1) and calls `done` once, from any thread, with whether
/// the answer was the right one. A slot has one call at a time.
using Done = std::function<void(const absl::Status&)>;
using StartCall = std::function<void(int slot, uint64_t number, Done done)>;

/// Runs the loop and returns when its last call has ended. The time of a call is from its start to `done`.
Figure RunClosedLoop(const std::string& name, const Loop& loop, const StartCall& start);

}  // namespace relais::bench
