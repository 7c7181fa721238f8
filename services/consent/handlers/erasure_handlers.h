// Erasing a person: the request, and what the registry itself holds of her (D-2.10, architecture "Erasure").
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Asked with all the persons who would be erased, herself first, each time they are read: whoever is linked
/// to her later makes that attempt fail. Not set: yes.
using StillErase = std::function<absl::StatusOr<bool>(const std::vector<Id128>& group)>;

/// Begins an erasure about everybody who is one human with the person, and their sender records here. What
/// legal holds cover is copied first. ABORTED is tried again; IsErased or NO_SUCH_OR_NOT_YOURS: there is
/// nobody (any more); CANCELLED: `still` says no. The leaves of the request, hers first.
Task<absl::StatusOr<storage::LeafRange>> BeginErasure(Registry& registry, Id128 erasure, Id128 person,
                                                      std::string cause, audit::Event event,
                                                      StillErase still = nullptr);

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
