// The texts of papers in a legal hold's copy (ADR 54, ADR 70).
#pragma once

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "common/audit/holds.h"
#include "common/base/task.h"
#include "services/vault/vault.h"

namespace relais::vault {

struct HeldTexts {
  const Vault& vault;
  Id128 person;
  std::optional<Id128> only;       // this paper's alone
  std::function<bool()> stopping;  // asked after each piece: nobody waits any more
};

/// Gives every version's text of what is not destroyed, each piece an item and, once all are kept, one that
/// says so: what is kept whole is not read again, and of what a copy left half done only the rest. What does
/// not read is named `unreadable/…`. A piece at a time is in memory. UNAVAILABLE: the disk does not answer
/// now, or `stopping`.
Task<absl::Status> KeepTexts(HeldTexts texts, audit::HeldSink& sink);

}  // namespace relais::vault
