// Détruire: with the commit every version's key is gone, then the bytes (NF Z42-020). DocumentService's part.
#pragma once

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. As in the proto. For her host, under the name
/// that holds the paper; a damaged paper too.
class DestroyHandlers {
 public:
  explicit DestroyHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::DestroyResponse>> Destroy(rpc::Call call, v1::DestroyRequest request);

 private:
  Task<absl::StatusOr<v1::DestroyResponse>> Again(Id128 person, Id128 document, std::string remembered,
                                                  bool want_proof) const;

  const Vault& vault_;
};

}  // namespace relais::vault
