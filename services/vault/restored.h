// What a vault does before it serves whose log goes on after an accepted loss (ADR 73): her noes since the
// backup are lost with the leaves that said them, so nothing of what the backup lets act or read does.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// True when the log goes on under an origin for which EndRestoredRights has not come to its end: nothing may
/// be served. False of a log that never was continued, without looking at the store.
[[nodiscard]] absl::StatusOr<bool> RightsAreRestored(const Vault& vault);

/// Every host that is linked by its row becomes SUSPENDED until LinkHost (StoredHost.restored), every share
/// that is ACTIVE becomes REVOKED, each with its leaf, in bounded commits, of some persons at once. How far
/// it came is noted for the origin, and said in the operators' log in numbers: after a crash it goes on
/// there, and once it has ended for an origin it does nothing. Before anything is started. Rows that do not
/// open let nobody act and are passed over; DATA_LOSS where a stretch does not read, since what lies there
/// may yet be found by its key: another backup is to be restored.
Task<absl::Status> EndRestoredRights(const Vault& vault);

}  // namespace relais::vault
