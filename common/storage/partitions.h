// What housekeeping does to whole partitions.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/base/task.h"
#include "common/storage/store.h"

namespace relais::storage {

/// Deletes every key of a partition but `keep` (empty: none is kept), in commits of a few hundred. Keys
/// written meanwhile may stay.
Task<absl::Status> EmptyPartition(Store& store, Partition partition, std::string keep);

/// The id after this one, for a listing that goes on: zero after the last there is.
[[nodiscard]] Id128 NextId(const Id128& id);

}  // namespace relais::storage
