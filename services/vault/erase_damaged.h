// Erasing a person one of whose rows does not open: an erasure must end all the same.
#pragma once

#include "absl/status/status.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// As EraseElsewhere (cleaning.h), row by row: those that do not open or read are passed over, and bytes are
/// found by their own heads, which say whose they are. Looks at every text of the vault: long. What an
/// institution has deposited may stay counted.
Task<absl::Status> EraseDamaged(const Vault& vault, Id128 person);

}  // namespace relais::vault
