// Persons and the names institutions know them by (architecture, "Identity").
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. Register claims the name in an index bucket, with a fresh random person id, then writes that
/// person's partition, then links her to the objections on record; every step is idempotent, and whoever
/// finds a claim without its person completes it. Known or unknown, the answer has one shape and the call
/// leaves a leaf.
///
/// An institution gets every answer of Register, a refusal too, a whole number of ticks after the call came,
/// by the monotonic clock, and never at once (ADR 43): how long the work took is not to be seen. A service
/// gets it when it is there.
class PersonHandlers {
 public:
  /// `register_tick`: zero: none, for tests and tools that measure nothing.
  PersonHandlers(Registry& registry, absl::Duration register_tick)
      : registry_(registry), register_tick_(register_tick) {}

  Task<absl::StatusOr<v1::RegisterResponse>> Register(rpc::Call call, v1::RegisterRequest request);
  Task<absl::StatusOr<v1::ResolveResponse>> Resolve(rpc::Call call, v1::ResolveRequest request);

 private:
  Task<absl::StatusOr<v1::RegisterResponse>> RegisterNow(rpc::Call call, v1::RegisterRequest request);

  Registry& registry_;
  const absl::Duration register_tick_;
};

}  // namespace relais::consent
