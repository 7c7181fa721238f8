// A steward's review of persons who may be one (architecture, "Matching").
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. Compare only: clear traits and names are those of the steward's own institution's records.
/// On OK a decision is durable; a link that it asks for is made before it answers, or by the follower of this
/// registry's own log.
class CandidateHandlers {
 public:
  explicit CandidateHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::ListCandidatesResponse>> ListCandidates(rpc::Call call,
                                                                  v1::ListCandidatesRequest request);
  Task<absl::StatusOr<v1::ConfirmMatchResponse>> ConfirmMatch(rpc::Call call,
                                                              v1::ConfirmMatchRequest request);
  Task<absl::StatusOr<v1::RejectMatchResponse>> RejectMatch(rpc::Call call, v1::RejectMatchRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
