// Hosts and shares that are in force by their row and not by the log: who has the disk put the row back
// (D-3.1, roll-back). What the scrub does about them.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/paper_check.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Ends them again as the log says, each in one commit with its leaf, and cuts what is open through them. How
/// many. A row that changes at this moment is none: one is put back when the log, read again and again, says
/// so while the row stays the same. `logged`: all of hers, read before. Nothing is concluded about a
/// right that no leaf names, nor where a leaf about her that is later than its last one does not read.
Task<absl::StatusOr<uint64_t>> EndRightsPutBack(const Vault& vault, Id128 person, const LoggedPapers& logged);

}  // namespace relais::vault
