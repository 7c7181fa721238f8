// Receipts of agreements (D-2.13).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/receipt.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the leaf that says the receipt was given is durable.
class ReceiptHandlers {
 public:
  /// `storage_locations`: where the registry stores what it holds, ISO 3166-1 codes of countries.
  ReceiptHandlers(Registry& registry, std::vector<std::string> storage_locations)
      : registry_(registry), storage_locations_(std::move(storage_locations)) {}

  Task<absl::StatusOr<v1::GetReceiptResponse>> GetReceipt(rpc::Call call, v1::GetReceiptRequest request);

 private:
  Registry& registry_;
  const std::vector<std::string> storage_locations_;
};

}  // namespace relais::consent
