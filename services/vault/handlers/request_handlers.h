// ShareService.RequestDocument, DecideRequest and ListRequests: no paper is asked twice (action 4 of the
// Pacte).
#pragma once

#include <optional>
#include <vector>

#include "relais/vault/v1/share_service.pb.h"
#include "services/vault/handlers/share_handlers.h"

namespace relais::vault {

/// Thread-safe. Methods as in the proto. Asking tells the asker nothing but what it has a right to list: its
/// own requests, and what is shared with it. Beyond that the answer is the same whether she has a vault, that
/// paper, or neither.
class RequestHandlers {
 public:
  explicit RequestHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::RequestDocumentResponse>> RequestDocument(rpc::Call call,
                                                                    v1::RequestDocumentRequest request);
  Task<absl::StatusOr<v1::DecideRequestResponse>> DecideRequest(rpc::Call call,
                                                                v1::DecideRequestRequest request);
  Task<absl::StatusOr<v1::ListRequestsResponse>> ListRequests(rpc::Call call,
                                                              v1::ListRequestsRequest request);

 private:
  Task<absl::StatusOr<v1::RequestDocumentResponse>> TryAsk(rpc::Call call, Id128 person,
                                                           v1::RequestDocumentRequest request, Id128 id);
  [[nodiscard]] absl::StatusOr<std::optional<Row<v1::StoredRequest>>> JudgeAsking(
      const Id128& person, const rpc::Actor& actor, const v1::RequestDocumentRequest& request) const;
  [[nodiscard]] absl::StatusOr<audit::Event> ForHosts(const Id128& person, const Id128& id,
                                                      const v1::StoredRequest& asked,
                                                      storage::CommitRequest& commit) const;
  Task<absl::StatusOr<v1::DecideRequestResponse>> TryDecide(rpc::Call call, Id128 given,
                                                            v1::DecideRequestRequest request, Id128 event_id);
  Task<absl::StatusOr<std::vector<JudgedWish>>> SharesFor(rpc::Call call, Id128 person,
                                                          v1::DecideRequestRequest request,
                                                          v1::StoredRequest asked,
                                                          std::vector<Row<v1::StoredDocument>> papers);
  Task<absl::StatusOr<v1::ListRequestsResponse>> ListHers(rpc::Call call, v1::ListRequestsRequest request);
  Task<absl::StatusOr<v1::ListRequestsResponse>> ListOurs(rpc::Call call, v1::ListRequestsRequest request);

  const Vault& vault_;
};

}  // namespace relais::vault
