// What became of a withdrawal, from her own leaves and what routing's log says (D-2.7).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. Answers the institution that recorded the withdrawal, and services; others get
/// NO_SUCH_OR_NOT_YOURS. Tells of what rests on her agreements, and of nothing that her history withholds
/// (withholding.h). Reads all her leaves, those that do not read being passed over and logged by number, and
/// leaves one: durable before it answers.
class WithdrawalStatusHandlers {
 public:
  explicit WithdrawalStatusHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::GetWithdrawalStatusResponse>> GetWithdrawalStatus(
      rpc::Call call, v1::GetWithdrawalStatusRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
