// Déposer, up to the last byte: beginning, bytes, how far it is, giving it up. DocumentService's part.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "common/rpc/stream.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/vault.h"

namespace relais::vault {

/// Thread-safe. Methods as in the proto. Who goes on with an upload is the institution that began it.
class UploadHandlers {
 public:
  explicit UploadHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::BeginUploadResponse>> BeginUpload(rpc::Call call, v1::BeginUploadRequest request);
  /// Answers once the client ended the stream. What was committed stays whatever happens.
  Task<absl::StatusOr<v1::UploadResponse>> Upload(rpc::Call call,
                                                  std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream);
  Task<absl::StatusOr<v1::UploadPieceResponse>> UploadPiece(rpc::Call call, v1::UploadPieceRequest request);
  Task<absl::StatusOr<v1::QueryUploadResponse>> QueryUpload(rpc::Call call, v1::QueryUploadRequest request);
  Task<absl::StatusOr<v1::AbandonUploadResponse>> AbandonUpload(rpc::Call call,
                                                                v1::AbandonUploadRequest request);

 private:
  const Vault& vault_;
};

/// An upload with who asks for it.
struct OwnUpload {
  rpc::Actor actor;
  Id128 person;
  Id128 id;
  Stored<v1::StoredUpload> stored;
};
/// The upload that this caller began and that is under way. NOT_FOUND else.
[[nodiscard]] absl::StatusOr<OwnUpload> FindUpload(const Vault& vault, const rpc::Call& call,
                                                   const common::v1::PersonRef& person,
                                                   std::string_view upload_id);

/// Ends an upload without a paper, in one commit: usage, its row, UPLOAD_CHANGED (ENDED). The bytes go by the
/// own log's follower. NOT_FOUND when it is no more; ABORTED after kTries collisions. `complete` may be null.
Task<absl::StatusOr<storage::LeafRange>> EndUpload(const Vault& vault, rpc::Call call, rpc::Actor actor,
                                                   Id128 person, Id128 id, std::string request_id,
                                                   std::string reason,
                                                   std::function<void(storage::CommitRequest&)> complete);

}  // namespace relais::vault
