// A log as a stranger reads it: checkpoints, proofs and sealed leaves, nothing of it believed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/merkle/tree.h"

namespace relais::audit {

/// Calls block. Errors are the transport's; UNAVAILABLE and the like may be tried again.
class LogSource {
 public:
  virtual ~LogSource() = default;

  /// The latest checkpoint, a signed note, of at least `min_size` leaves; DEADLINE_EXCEEDED when the log has
  /// not grown to that within `wait`.
  virtual absl::StatusOr<std::string> Checkpoint(uint64_t min_size, absl::Duration wait) = 0;
  virtual absl::StatusOr<std::vector<merkle::Hash>> Consistency(uint64_t old_size, uint64_t new_size) = 0;
  virtual absl::StatusOr<std::vector<merkle::Hash>> Inclusion(uint64_t index, uint64_t size) = 0;

  /// Calls `take` with leaves `from` … `to` - 1 in order, on the calling thread; an error of `take` ends it
  /// and is passed on. OK once all were taken.
  virtual absl::Status Leaves(uint64_t from, uint64_t to,
                              const std::function<absl::Status(std::string_view)>& take) = 0;
};

}  // namespace relais::audit
