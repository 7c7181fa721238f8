// A row written where it is what was read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/storage/store.h"

namespace relais::vault {

/// Adds the row to a commit of that partition, guarded by the version that was read: 0 where there was none,
/// kDoesNotRead (store.h) for a row that is replaced whatever it is.
void PutRow(const storage::Partition& partition, std::string_view key, std::string value, uint64_t version,
            storage::CommitRequest& commit);

}  // namespace relais::vault
