// DocumentService.GetReceipt: the receipt of a deposit or the certificate of a destruction, from the log
// (D-3.1; ADR 63).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rpc/call.h"
#include "relais/vault/v1/document_service.pb.h"
#include "services/vault/handlers/access.h"

namespace relais::vault {

/// Thread-safe. As in the proto. VAULT_LOOKED is durable before it is given, under the name that holds the
/// act; of a host guarded by its row.
class ReceiptHandlers {
 public:
  explicit ReceiptHandlers(const Vault& vault) : vault_(vault) {}

  Task<absl::StatusOr<v1::GetReceiptResponse>> GetReceipt(rpc::Call call, v1::GetReceiptRequest request);

 private:
  // An act, and by what right it is shown.
  struct Found {
    uint64_t leaf = 0;
    uint32_t version = 0;  // 0: the destruction
    absl::Time time;
    Id128 person;                                     // the name of hers that it is about
    std::optional<Stored<v1::StoredHost>> host = {};  // nullopt: who asks dropped it in
  };
  Task<absl::StatusOr<std::optional<Found>>> FindOfHost(std::vector<HostedName> hosted,
                                                        v1::GetReceiptRequest request) const;
  Task<absl::StatusOr<std::optional<Found>>> FindOfDrop(rpc::Call call, Id128 person,
                                                        v1::GetReceiptRequest request) const;
  Task<absl::StatusOr<Found>> FindAct(rpc::Call call, Id128 person, v1::GetReceiptRequest request) const;
  Task<absl::StatusOr<v1::GetReceiptResponse>> TryGive(rpc::Call call, Id128 person,
                                                       v1::GetReceiptRequest request);

  const Vault& vault_;
};

}  // namespace relais::vault
