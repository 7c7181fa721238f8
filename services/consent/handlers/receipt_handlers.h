// Receipts of agreements (D-2.13).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/receipt.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the leaf that says the receipt was given is durable.
class ReceiptHandlers {
 public:
  explicit ReceiptHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::GetReceiptResponse>> GetReceipt(rpc::Call call, v1::GetReceiptRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
