// One question of all who must not stop at a row or leaf that never reads.
#pragma once

#include "absl/status/status.h"

namespace relais::audit {

/// True of what will not read however often it is asked for: it is not whole (DATA_LOSS), or sealed otherwise
/// than it should be (INVALID_ARGUMENT, as sealed texts and leaves say it). Not of what is away for a while.
[[nodiscard]] inline bool DoesNotRead(const absl::Status& status) {
  return absl::IsDataLoss(status) || absl::IsInvalidArgument(status);
}

}  // namespace relais::audit
