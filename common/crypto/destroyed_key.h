// Tells a key that was destroyed from one that never was: both are NOT_FOUND.
#pragma once

#include "absl/status/status.h"

namespace relais::crypto {

/// True for what KeyRing::Get says of a destroyed version.
[[nodiscard]] bool IsDestroyed(const absl::Status& status);

namespace internal {
/// NOT_FOUND, of a destroyed version.
[[nodiscard]] absl::Status DestroyedError(absl::string_view text);
}  // namespace internal

}  // namespace relais::crypto
