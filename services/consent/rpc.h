// Consent over gRPC.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/rpc/runtime.h"
#include "services/consent/service.h"

namespace relais::consent {

absl::StatusOr<std::unique_ptr<rpc::BoundService>> Bind(rpc::ServiceRuntime& runtime, Settings settings);

}  // namespace relais::consent
