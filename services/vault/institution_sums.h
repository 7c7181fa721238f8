// The total of what an institution has deposited when its row does not read: nothing is deposited by it then,
// and what counts goes on being counted, upload by upload (VaultStore::CountFor).
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/background.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// The commit that makes the total what the rows of uploads add up to; nullopt: it reads. DATA_LOSS: not all
/// of those read. UNAVAILABLE: `worker`, null for none, is stopping. Committing it is ABORTED when something
/// was counted meanwhile.
Task<absl::StatusOr<std::optional<storage::CommitRequest>>> TotalAnew(const Vault& vault,
                                                                      std::string institution,
                                                                      const Background* worker);

/// Every institution's of the directory. One that cannot be made anew stays as it is, and is logged.
/// UNAVAILABLE as above.
Task<absl::Status> MendInstitutionSums(const Vault& vault, const Background* worker);

}  // namespace relais::vault
