// DocumentService.GetMetadata, UpdateMetadata, List and Count: lire les métadonnées, lister, compter
// (NF Z42-020).
#pragma once

#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/handlers/reading_right.h"

namespace relais::vault {

/// Thread-safe. Methods as in the proto. Each look leaves VAULT_LOOKED before anything is answered. Of who is
/// one human under several names, lists and counts read all those under which the caller is her host (ADR
/// 34).
class MetadataHandlers {
 public:
  explicit MetadataHandlers(const Vault& vault) : vault_(vault), rights_(vault) {}

  Task<absl::StatusOr<v1::GetMetadataResponse>> GetMetadata(rpc::Call call, v1::GetMetadataRequest request);
  Task<absl::StatusOr<v1::UpdateMetadataResponse>> UpdateMetadata(rpc::Call call,
                                                                  v1::UpdateMetadataRequest request);
  Task<absl::StatusOr<v1::ListResponse>> List(rpc::Call call, v1::ListRequest request);
  Task<absl::StatusOr<v1::CountResponse>> Count(rpc::Call call, v1::CountRequest request);

 private:
  Task<absl::StatusOr<v1::ListResponse>> ListHers(rpc::Call call, v1::ListRequest request,
                                                  std::vector<HostedName> names);
  Task<absl::StatusOr<v1::ListResponse>> ListShared(rpc::Call call, Id128 person, v1::ListRequest request);
  Task<absl::StatusOr<v1::UpdateMetadataResponse>> TryUpdate(rpc::Call call, Id128 person,
                                                             v1::UpdateMetadataRequest request,
                                                             Id128 event_id);

  const Vault& vault_;
  ReadingRights rights_;
};

}  // namespace relais::vault
