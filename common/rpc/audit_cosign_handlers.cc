// The part of AuditHandlers that serves witnesses.
#include <utility>

#include "common/base/status.h"
#include "common/directory/witnesses.h"
#include "common/rpc/audit_handlers.h"
#include "common/rpc/refusal.h"

namespace relais::rpc {

Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> AuditHandlers::CosignedCheckpoint(
    Call call, audit::v1::GetCheckpointRequest request) {
  if (request.min_size() != 0) {
    co_return InvalidField("min_size", "must be 0 with cosigned or to_cosign");
  }
  if (request.cosigned() && request.to_cosign()) {
    co_return InvalidField("to_cosign", "not with cosigned");
  }
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(merkle::WitnessPolicy policy, directory::WitnessPolicyOf(*call.directory));
  audit::v1::GetCheckpointResponse response;
  if (request.to_cosign()) {
    CO_ASSIGN_OR_RETURN(*response.mutable_checkpoint(),
                        co_await audit::Cosignatures::ToCosign(cosignatures_));
  } else {
    CO_ASSIGN_OR_RETURN(*response.mutable_checkpoint(),
                        co_await audit::Cosignatures::Cosigned(cosignatures_, std::move(policy)));
  }
  co_return response;
}

Task<absl::StatusOr<audit::v1::AddCosignatureResponse>> AuditHandlers::AddCosignature(
    Call call, audit::v1::AddCosignatureRequest request) {
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(merkle::WitnessPolicy policy, directory::WitnessPolicyOf(*call.directory));
  absl::StatusOr<audit::Cosignatures::Added> added = co_await audit::Cosignatures::Add(
      cosignatures_, std::move(*request.mutable_checkpoint()), std::move(policy));
  if (absl::IsInvalidArgument(added.status())) {
    co_return InvalidField("checkpoint", std::string(added.status().message()));
  }
  if (absl::IsFailedPrecondition(added.status())) {
    co_return Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                      std::string(added.status().message()));
  }
  if (!added.ok()) {
    co_return added.status();
  }
  audit::v1::AddCosignatureResponse response;
  response.set_tree_size(added->tree_size);
  response.mutable_witnesses()->Add(added->witnesses.begin(), added->witnesses.end());
  response.set_quorum(added->quorum);
  co_return response;
}

}  // namespace relais::rpc
