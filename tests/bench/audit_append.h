// How fast leaves become durable, and how soon after they are provable.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::bench {

struct AppendLoad {
  std::string folder;  // made, and emptied afterwards
  int callers = 64;    // each commits one leaf after the other
  uint64_t persons = 10'000;
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(8);
};

struct AppendFigure {
  double per_second = 0;
  absl::Duration p50;  // of a commit
  absl::Duration p99;
  absl::Duration provable_p50;  // from the acknowledgement to a signed checkpoint that contains the leaf
  absl::Duration provable_p99;
  uint64_t proofs = 0;  // acknowledgements that were followed up
  size_t leaf_bytes = 0;
  double raw_per_second = 0;  // RocksDB alone with the same bytes
};

/// The first error ends it.
absl::StatusOr<AppendFigure> MeasureAppends(const AppendLoad& load);

}  // namespace relais::bench
