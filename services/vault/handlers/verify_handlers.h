// Contrôler one paper on request (NF Z42-020; D-3.1). DocumentService's part.
#pragma once

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. As in the proto. For her host, under the name that holds the paper.
class VerifyHandlers {
 public:
  explicit VerifyHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::VerifyResponse>> Verify(rpc::Call call, v1::VerifyRequest request);

 private:
  const Vault& vault_;
};

}  // namespace relais::vault
