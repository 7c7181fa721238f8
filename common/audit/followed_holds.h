// Legal holds that consent's log begins and ends, as the services do that follow it (holds.h).
#pragma once

#include "absl/status/status.h"
#include "common/audit/follower.h"
#include "common/audit/holds.h"
#include "common/base/task.h"

namespace relais::audit {

/// Whether the leaf begins or ends a legal hold.
[[nodiscard]] bool IsOfHold(const FollowedLeaf& leaf);

/// Does here what that leaf did there, under the same id and a key of this service's own. Idempotent. Of a
/// hold that covers several persons, who are one human, each has a leaf; one whose `until` has passed by its
/// own time says that she was taken apart from the others. `event`: this service's own act. Before a later
/// leaf about the person is applied: her copy is made by then, but for texts, which follow
/// (Holds::CopyTexts). A leaf that names nothing that reads, and a row of a hold that does not open, are
/// logged as errors and passed over: nothing that is tried again changes them, and behind them wait
/// everybody's erasures and links.
Task<absl::Status> FollowHold(Holds& holds, FollowedLeaf leaf, Event event);

}  // namespace relais::audit
