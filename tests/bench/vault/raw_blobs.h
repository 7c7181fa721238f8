// The ceiling of what is kept: RocksDB's blob files alone, with values and commits of the vault's sizes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace relais::bench {

/// Bytes a second of values of `value_bytes`, `values_per_commit` of them with one small row in each synced
/// commit, until `total_bytes` are written. `folder` is made, and removed afterwards. UNAVAILABLE when the
/// store refuses.
absl::StatusOr<double> MeasureRawBlobs(const std::string& folder, size_t value_bytes, int values_per_commit,
                                       uint64_t total_bytes);

}  // namespace relais::bench
