// Which leaves of the log her journal is made of (D-3.2): those about her, and those of maintenance, which
// are about nobody, since her first paper.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "common/base/id128.h"
#include "common/storage/store.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Of a human under these names: indices below `below`, ascending, each once. Maintenance of the last moments
/// may lack: it is listed by the own log's follower.
[[nodiscard]] absl::StatusOr<std::vector<uint64_t>> JournalLeaves(const Vault& vault,
                                                                  const std::vector<Id128>& names,
                                                                  uint64_t below);

/// True for a leaf about nobody that belongs in it.
[[nodiscard]] bool IsMaintenance(const audit::FollowedLeaf& leaf);
/// Lists it, for OwnLeaves: derived, idempotent.
[[nodiscard]] storage::CommitRequest ListMaintenance(const Vault& vault, uint64_t index);

}  // namespace relais::vault
