// The names one institution has for its persons: own identifiers and handles.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. An identifier stands in the caller's record of her before its claim is made, and goes from
/// there after its claim: so erasure finds every claim. Repetitions complete what was interrupted.
class IdentifierHandlers {
 public:
  explicit IdentifierHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::BatchResolveResponse>> BatchResolve(rpc::Call call,
                                                              v1::BatchResolveRequest request);
  Task<absl::StatusOr<v1::TranslateHandlesResponse>> TranslateHandles(rpc::Call call,
                                                                      v1::TranslateHandlesRequest request);
  Task<absl::StatusOr<v1::LinkIdentifierResponse>> LinkIdentifier(rpc::Call call,
                                                                  v1::LinkIdentifierRequest request);
  Task<absl::StatusOr<v1::UnlinkIdentifierResponse>> UnlinkIdentifier(rpc::Call call,
                                                                      v1::UnlinkIdentifierRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
