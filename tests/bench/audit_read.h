// How long a large log takes to start, to answer for one person, and to prove one leaf.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::bench {

struct ReadLoad {
  std::string folder;  // of a built log
  uint64_t persons = 0;
  int questions = 2'000;
};

struct Quantiles {
  absl::Duration p50;
  absl::Duration p99;
};

struct ReadFigure {
  uint64_t leaves = 0;
  absl::Duration store_took;  // nothing of the store in the page cache
  absl::Duration log_took;
  uint64_t events = 0;  // of one person
  Quantiles
      events_cold;  // all of one person's events, opened; each from a leaf block that was not read before
  Quantiles events_warm;  // the same people again
  Quantiles inclusion;    // a proof of a leaf drawn uniformly, in the whole tree
};

absl::StatusOr<ReadFigure> MeasureReads(const ReadLoad& load);

}  // namespace relais::bench
