// Her rights: requests and their deadlines, restriction, rectification, export (RGPD art. 12 to 20).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/rights_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK of a write the act is durable, and every check at the returned revision or later knows
/// it.
class RightsHandlers {
 public:
  explicit RightsHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::OpenResponse>> Open(rpc::Call call, v1::OpenRequest request);
  Task<absl::StatusOr<v1::AnswerResponse>> Answer(rpc::Call call, v1::AnswerRequest request);
  Task<absl::StatusOr<v1::ListOverdueResponse>> ListOverdue(rpc::Call call, v1::ListOverdueRequest request);
  Task<absl::StatusOr<v1::RestrictResponse>> Restrict(rpc::Call call, v1::RestrictRequest request);
  Task<absl::StatusOr<v1::UnrestrictResponse>> Unrestrict(rpc::Call call, v1::UnrestrictRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
