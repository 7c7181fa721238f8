// An erasure that does not erase all who are one human by this store.
//
// It takes everybody who is one human with her (erasure_handlers.h), so this comes by a restore alone: the
// journal erases again whoever was erased by then, and this older store links her with others, whom she was
// taken apart from since (common/audit/maintenance.h, Reapply). Then they are taken apart here first, as by a
// steward: each side gets what is hers, and every no that was said while they were one.
#pragma once

#include "absl/status/status.h"
#include "common/base/task.h"
#include "services/consent/store.h"

namespace relais::consent {

/// To be called before anything of her state goes, while she is frozen by her erasure. OK when she is linked
/// with nobody, or all whom she is linked with are being erased too. Idempotent; goes on where a crash
/// interrupted it. While it works those who are being erased can be read and written; until it is done
/// whoever is linked with them is refused any decision (Store::LoadFresh).
Task<absl::Status> PartFromErased(Files files, Id128 person);

}  // namespace relais::consent
