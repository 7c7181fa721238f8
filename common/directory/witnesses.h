// The directory's witnesses as a policy.
#pragma once

#include "absl/status/statusor.h"
#include "common/directory/directory.h"
#include "common/merkle/witness_policy.h"

namespace relais::directory {

/// "At least `quorum` of the witnesses listed", for checkpoints of any log. INVALID_ARGUMENT for a directory
/// that Lint would refuse.
[[nodiscard]] absl::StatusOr<merkle::WitnessPolicy> WitnessPolicyOf(const Directory& directory);

}  // namespace relais::directory
