// What stands in the row of a remembered request (idempotency.h), for who keeps such rows under other keys.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace relais::rpc {

/// The answer in it, given the keyed digest of the content that came now. REQUEST_ID_REUSED: it was other
/// content; DATA_LOSS: it is no such row.
absl::StatusOr<std::string> AnswerIn(std::string_view row, std::string_view digest);

}  // namespace relais::rpc
