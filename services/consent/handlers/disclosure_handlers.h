// Her access history.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/disclosures.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the leaf that says her history was read is durable, on every page.
class DisclosureHandlers {
 public:
  explicit DisclosureHandlers(Registry& registry);

  Task<absl::StatusOr<v1::ListDisclosuresResponse>> ListDisclosures(rpc::Call call,
                                                                    v1::ListDisclosuresRequest request);

 private:
  Registry& registry_;
  const Secret token_key_;
};

}  // namespace relais::consent
