// What she agreed to after she unlinked a host: it may come back on that, and on nothing from before (ADR
// 62).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// From a leaf of consent's log that says she recorded an agreement, at `said` by consent's clock: noted in
/// each row of an institution that she unlinked before, under any name of hers. Idempotent. A row that does
/// not open, and a name that is being erased, are passed over: neither lets anybody link.
Task<absl::Status> NoteAgreed(const Vault& vault, Id128 person, std::string consent_bytes, absl::Time said);

}  // namespace relais::vault
