// HoldService, the same in every service: which legal holds there are, and what each has kept. No gRPC here.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "relais/audit/v1/hold_service.pb.h"

namespace relais::rpc {

/// Thread-safe. `context.maintenance` must be there.
class HoldHandlers {
 public:
  explicit HoldHandlers(const ServiceContext& context) : context_(context) {}

  Task<absl::StatusOr<audit::v1::ListHoldsResponse>> ListHolds(Call call,
                                                               audit::v1::ListHoldsRequest request);
  /// Each page leaves a leaf (LOG_READ), durable before it is answered: a token is no licence. MISSING_ROLE:
  /// no scope over the whole log. NO_SUCH_OR_NOT_YOURS; WRONG_STATE: the hold has ended.
  Task<absl::StatusOr<audit::v1::ReadHoldResponse>> ReadHold(Call call, audit::v1::ReadHoldRequest request);

 private:
  const ServiceContext context_;
};

}  // namespace relais::rpc
