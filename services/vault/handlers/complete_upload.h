// Déposer, last step: size, hash, type and malware are judged, and the paper is in the vault.
// DocumentService's part.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/handlers/upload_handlers.h"
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
  // What is known of an upload that is to become a paper.
  struct Examined {
    Id128 document;
    Id128 event_id;
    std::optional<ContentHead> head;
    CompleteFacts facts;
    bool malware = false;
  };
  Task<absl::StatusOr<v1::CompleteUploadResponse>> Again(rpc::Call call, rpc::Actor actor, Id128 person,
                                                         std::string row, bool want_proof);
  Task<absl::Status> Show(rpc::Call call, rpc::Actor actor, Id128 person,
                          v1::CompleteUploadResponse& response);
  Task<absl::StatusOr<v1::CompleteUploadResponse>> Complete(rpc::Call call, v1::CompleteUploadRequest request,
                                                            OwnUpload upload);
  // References to what lives in Complete's frame, which awaits them.
  Task<absl::Status> Seal(const OwnUpload& upload, Examined& examined);
  Task<absl::Status> Examine(const OwnUpload& upload, Examined& examined);
  absl::Status Judge(const OwnUpload& upload, const v1::StoredDocument* later_of,
                     const std::optional<Id128>& holder, Examined& examined) const;
  Task<absl::StatusOr<v1::CompleteUploadResponse>> KeepOnce(rpc::Call call, v1::CompleteUploadRequest request,
                                                            OwnUpload upload, Examined& examined);
  static v1::StoredVersion VersionOf(const OwnUpload& upload, const Examined& examined, absl::Time now);
  static v1::StoredDocument DocumentFrom(const v1::StoredUpload& upload,
                                         std::optional<v1::StoredDocument> before, v1::Document::State state,
                                         absl::Time now);

  const Vault& vault_;
};

}  // namespace relais::vault
