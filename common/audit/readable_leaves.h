// Reading past leaves that do not read: for who must show the rest of somebody's history (D-3.1, D-3.2).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/log.h"

namespace relais::audit {

struct ReadableLeaves {
  std::vector<OpenedLeaf> leaves;    // in the order asked for
  std::vector<uint64_t> unreadable;  // likewise: missing, on a stretch that does not read, or not opening
};

/// As Log::OpenAt, but what does not read keeps no other leaf: no DATA_LOSS. Where all reads it is one
/// reading; every unreadable leaf costs some more of its surroundings.
[[nodiscard]] absl::StatusOr<ReadableLeaves> OpenReadable(Log& log, const std::vector<uint64_t>& indices);

}  // namespace relais::audit
