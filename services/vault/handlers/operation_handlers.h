// What operators do with a vault: OperationService.
#pragma once

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/operation_service.pb.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. As in the proto. Nothing here names a person.
class OperationHandlers {
 public:
  explicit OperationHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::StartScrubResponse>> StartScrub(rpc::Call call, v1::StartScrubRequest request);
  Task<absl::StatusOr<v1::GetScrubResponse>> GetScrub(rpc::Call call, v1::GetScrubRequest request);
  Task<absl::StatusOr<v1::AnnounceClosureResponse>> AnnounceClosure(rpc::Call call,
                                                                    v1::AnnounceClosureRequest request);
  Task<absl::StatusOr<v1::GetClosureResponse>> GetClosure(rpc::Call call, v1::GetClosureRequest request);

 private:
  const Vault& vault_;
};

}  // namespace relais::vault
