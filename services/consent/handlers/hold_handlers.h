// Legal holds: placed and released here, followed by every service (D-2.10; common/audit/holds.h).
#pragma once

#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe.
class HoldHandlers {
 public:
  explicit HoldHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::PlaceHoldResponse>> PlaceHold(rpc::Call call, v1::PlaceHoldRequest request);
  Task<absl::StatusOr<v1::ReleaseHoldResponse>> ReleaseHold(rpc::Call call, v1::ReleaseHoldRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
