// Persons and the names institutions know them by (architecture, "Identity").
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. Register claims the name in an index bucket, with a fresh random person id, then writes that
/// person's partition, then links her to the objections on record; every step is idempotent, and whoever
/// finds a claim without its person completes it. Known or unknown, the answer has one shape and the call
/// leaves a leaf.
class PersonHandlers {
 public:
  explicit PersonHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::RegisterResponse>> Register(rpc::Call call, v1::RegisterRequest request);
  Task<absl::StatusOr<v1::ResolveResponse>> Resolve(rpc::Call call, v1::ResolveRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
