// Keys of papers, for operators: KeyService. No method shows one.
#pragma once

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/key_service.pb.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. As in the proto.
class KeyHandlers {
 public:
  explicit KeyHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::StatusResponse>> Status(rpc::Call call, v1::StatusRequest request);
  Task<absl::StatusOr<v1::RotateResponse>> Rotate(rpc::Call call, v1::RotateRequest request);

 private:
  const Vault& vault_;
};

}  // namespace relais::vault
