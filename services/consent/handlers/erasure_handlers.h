// Erasing a person: the request, and what the registry itself holds of her (D-2.10, architecture "Erasure").
#pragma once

#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Begins an erasure about the person and her sender records here. ABORTED is tried again; IsErased or
/// NO_SUCH_OR_NOT_YOURS: there is nobody (any more). The leaves of the request.
Task<absl::StatusOr<storage::LeafRange>> BeginErasure(Registry& registry, Id128 erasure, Id128 person,
                                                      std::string cause, audit::Event event);

/// Thread-safe.
class ErasureHandlers {
 public:
  explicit ErasureHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::EraseResponse>> Erase(rpc::Call call, v1::EraseRequest request);
  Task<absl::StatusOr<v1::AcknowledgeErasureResponse>> AcknowledgeErasure(
      rpc::Call call, v1::AcknowledgeErasureRequest request);

 private:
  Task<absl::StatusOr<v1::EraseResponse>> Again(Id128 erasure, Id128 person, bool want_proof);

  Registry& registry_;
};

}  // namespace relais::consent
