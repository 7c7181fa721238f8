// What a recipient did about a notice to erase (erasure_notices.h, erased_notices.h; D-2.7).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe.
class ErasureNoticeHandlers {
 public:
  explicit ErasureNoticeHandlers(Registry& registry) : registry_(registry) {}

  /// On OK it is durable. Answers for the caller's own institution alone.
  Task<absl::StatusOr<v1::AnswerErasureNoticeResponse>> AnswerErasureNotice(
      rpc::Call call, v1::AnswerErasureNoticeRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
