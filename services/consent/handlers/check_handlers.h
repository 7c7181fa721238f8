// The one decision point (D-2.6).
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. A recorded check is one commit on the person's partition: its leaf, guarded by the version of
/// the state it was decided on. So no act of hers can come between the decision and its leaf, and a permit
/// without a durable leaf does not exist.
///
/// A repeated request id gives the recorded answer again, except a permit that no longer stands (she
/// withdrew, or its time has passed): then the question is decided and recorded anew, so that a repetition
/// never permits what a new question would not. Of a batch's request id that holds person by person.
class CheckHandlers {
 public:
  /// `permit_life`: how long a recorded permit may be used at most.
  CheckHandlers(Registry& registry, absl::Duration permit_life)
      : registry_(registry), permit_life_(permit_life) {}

  Task<absl::StatusOr<v1::CheckResponse>> Check(rpc::Call call, v1::CheckRequest request);
  Task<absl::StatusOr<v1::BatchCheckResponse>> BatchCheck(rpc::Call call, v1::BatchCheckRequest request);

 private:
  Registry& registry_;
  absl::Duration permit_life_;
};

}  // namespace relais::consent
