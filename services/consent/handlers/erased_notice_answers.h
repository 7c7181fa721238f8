// What a recipient did about the notice that somebody is erased (erased_notices.h; D-2.7).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Whether the notice that the caller's institution names can only be one of an erasure.
[[nodiscard]] absl::StatusOr<bool> IsOfAnErasure(Registry& registry, const rpc::Call& call,
                                                 const v1::AnswerErasureNoticeRequest& request);

/// Answers such a notice for the caller's own institution. On OK it is durable, and of her nothing is left in
/// the notice. Its leaf is about nobody; why something is kept is in part R. NO_SUCH_OR_NOT_YOURS when there
/// is none (any more), WRONG_STATE once it was answered: erased.
Task<absl::StatusOr<common::v1::Written>> AnswerErasedNotice(Registry& registry, rpc::Call call,
                                                             v1::AnswerErasureNoticeRequest request);

}  // namespace relais::consent
