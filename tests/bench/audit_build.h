// Builds a large log fast: leaves made and placed by the log itself, written as sorted files that RocksDB
// takes in whole.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace relais::bench {

/// A log of `leaves` leaves about `persons` persons, each with as many as the others, spread over the whole
/// log. `folder` must not hold one yet. Needs about 600 bytes of disk per leaf and 20 of memory.
absl::Status BuildLog(const std::string& folder, uint64_t leaves, uint64_t persons);

}  // namespace relais::bench
