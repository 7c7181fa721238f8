// The ceiling of every durable act: RocksDB alone, with the same column families, keys and sizes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::bench {

/// The rows of one act beside its leaf, in the partition of a random person.
struct StateRow {
  size_t key_bytes = 0;  // after the partition's 17
  size_t value_bytes = 0;
};

struct RawLoad {
  std::string folder;     // made, and emptied afterwards
  size_t leaf_bytes = 0;  // each act writes one leaf with its node and its two pointers
  std::vector<StateRow> state;
  int acts_per_batch = 32;  // one synced WriteBatch
  absl::Duration duration = absl::Seconds(5);
};

struct RawFigure {
  double acts_per_second = 0;
  absl::Duration per_batch;  // mean
};

/// One thread, batch after batch, each synced. UNAVAILABLE when the store refuses.
absl::StatusOr<RawFigure> MeasureRaw(const RawLoad& load);

}  // namespace relais::bench
