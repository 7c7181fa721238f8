// What speaks against an act in a vault.
#pragma once

#include <optional>

#include "relais/common/v1/errors.pb.h"

namespace relais::vault {

/// Nullopt: nothing does. Which status code goes with a reason is said in errors.proto.
using Refusal = std::optional<common::v1::ErrorReason>;

}  // namespace relais::vault
