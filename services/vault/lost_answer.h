// A repeated request of which what is remembered does not read.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace relais::vault {

/// DATA_LOSS / DOCUMENT_DAMAGED, with what to do: the act was done, only its answer is gone. `look`: what
/// shows the caller what there is.
[[nodiscard]] absl::Status AnswerIsLost(std::string_view look);

}  // namespace relais::vault
