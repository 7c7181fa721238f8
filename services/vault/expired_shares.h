// Shares whose date has passed (D-3.6): they end by themselves, and once a day her rows and her journal say
// so.
#pragma once

#include "absl/status/status.h"
#include "common/base/task.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Her shares that are past their date by the vault's clock become STATE_EXPIRED as of that date, each with
/// its leaf, in bounded commits; by the leaf the recipient's pointer goes. Nobody could read by them before
/// either. Idempotent. Rows that do not open are passed over. ABORTED when one has changed meanwhile,
/// FAILED_PRECONDITION (audit::IsErased) for who is being erased.
Task<absl::Status> ExpireShares(const Vault& vault, Id128 person);

}  // namespace relais::vault
