// Whether a store contains a log as a checkpoint says it was. For tools that look at a store offline.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "common/storage/store.h"

namespace relais::audit {

/// OK when the first leaves of the store's log, as many as the checkpoint says, have its root. DATA_LOSS
/// otherwise; INVALID_ARGUMENT when the note is no checkpoint. Signatures are not looked at: the note comes
/// from where the store comes from.
[[nodiscard]] absl::Status CheckContains(const storage::Store& store, std::string_view checkpoint);

}  // namespace relais::audit
