// Who received of somebody is told that she is erased (RGPD art. 17, 19; D-2.7). ADR 61.
#pragma once

#include "absl/status/status.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// To be called while her leaves still open, frozen as she is by then: no permit comes any more. Makes one
/// notice (erased_notices.h) to each institution that had a recorded permit about this name of hers, on
/// whatever ground, but for what it answered since that it erased or does not hold, and but for the
/// institution that asked for this erasure about this name. Durable on OK; idempotent. A leaf of hers that is
/// damaged is passed over, and said in the log. Nothing once her leaves no longer open.
Task<absl::Status> TellOfErasure(Registry& registry, Id128 person);

}  // namespace relais::consent
