// Déposer, last step: size, hash, type and malware are judged, and the paper is in the vault.
// DocumentService's part.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/scanner.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. As in the proto.
class CompleteUploadHandlers {
 public:
  explicit CompleteUploadHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::CompleteUploadResponse>> CompleteUpload(rpc::Call call,
                                                                  v1::CompleteUploadRequest request);

 private:
  const Vault& vault_;
};

}  // namespace relais::vault
