// Objections to the opt-out transmissions of suppliers (D-1.6).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. An objection to several suppliers is several commits, each idempotent; OK comes after all of
/// them. A repetition of a request that was interrupted goes on where it stopped, with the same act.
class ObjectionHandlers {
 public:
  /// `kept_months`: how long an objection's digest is kept after it was last recorded (D-1.6).
  ObjectionHandlers(Registry& registry, int kept_months) : registry_(registry), kept_months_(kept_months) {}

  Task<absl::StatusOr<v1::RecordObjectionResponse>> RecordObjection(rpc::Call call,
                                                                    v1::RecordObjectionRequest request);
  /// PERMISSION_DENIED / NOT_PERMITTED when the caller is one of the suppliers: it ends through someone else.
  Task<absl::StatusOr<v1::LiftObjectionResponse>> LiftObjection(rpc::Call call,
                                                                v1::LiftObjectionRequest request);

 private:
  Registry& registry_;
  const int kept_months_;
};

}  // namespace relais::consent
