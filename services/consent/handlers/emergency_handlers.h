// Break-glass (D-2.4, D-2.6.6): declared, judged by somebody else, escalated where nobody judges.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/emergency_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the act is durable. Review is the receiving institution's, by another agent than the
/// declarer's (SECOND_PERSON_REQUIRED), once; one that was no emergency permits nothing from then on, and its
/// leaf is the notice that what was received is to be erased.
class EmergencyHandlers {
 public:
  explicit EmergencyHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::DeclareResponse>> Declare(rpc::Call call, v1::DeclareRequest request);
  Task<absl::StatusOr<v1::ReviewResponse>> Review(rpc::Call call, v1::ReviewRequest request);
  Task<absl::StatusOr<v1::ListPendingResponse>> ListPending(rpc::Call call, v1::ListPendingRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
