// Calls at a fixed rate, whether or not the earlier ones have ended: what a caller sees who does not wait.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "tests/bench/closed_loop.h"

namespace relais::bench {

struct Pace {
  double per_second = 1000;
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration measured = absl::Seconds(5);
  int most_in_flight = 1024;  // a call that finds so many waits, and its time runs
};

/// Call i is due i / per_second after the begin. Its time is from when it was due until `done`: a stall is
/// paid by every call that was due meanwhile. Counts calls that were due in the measured time. Returns when
/// all have ended.
Figure RunPacedLoop(const std::string& name, const Pace& pace, const StartCall& start);

}  // namespace relais::bench
