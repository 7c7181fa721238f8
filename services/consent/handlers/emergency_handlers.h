// Break-glass (D-2.4, D-2.6.6).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/emergency_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the declaration is durable.
class EmergencyHandlers {
 public:
  explicit EmergencyHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::DeclareResponse>> Declare(rpc::Call call, v1::DeclareRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
