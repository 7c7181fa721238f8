// What a vault holds, for acts that must be possible also when the row that says so does not open: papers can
// be destroyed, uploads end (D-3.1).
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/vault.h"

namespace relais::vault {

struct Sums {
  Stored<v1::StoredUsage> usage;
  /// The row does not open: the version of the one that says when such sums were met. Nullopt: it opens.
  std::optional<uint64_t> anew;
  /// False: not all that counts reads either, so the row stays as it is, and nothing can be deposited.
  bool known = true;
};

/// As the row says, or counted anew from her papers, uploads and keys. To be read within the attempt that
/// commits what is put.
[[nodiscard]] absl::StatusOr<Sums> SumsOf(const Vault& vault, const Id128& person);

/// Adds them with what guards them. While the row does not open only such acts change her papers, and each
/// collides with every other: none is counted that is not there.
absl::Status PutSums(const Vault& vault, const Id128& person, const Sums& sums,
                     storage::CommitRequest& commit);

/// The row opens again if it did not and all that counts reads. OK too where somebody was faster.
Task<absl::Status> MendSums(const Vault& vault, Id128 person);

}  // namespace relais::vault
