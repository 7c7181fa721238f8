// Reviews of what is withheld of her access history (domain/withholding.h; RGPD art. 15.4, 23).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/disclosures.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe.
class WithheldHandlers {
 public:
  explicit WithheldHandlers(Registry& registry) : registry_(registry) {}

  /// What the caller's institution has to review under that name, and nobody else's. Each page leaves a leaf.
  Task<absl::StatusOr<v1::ListWithheldResponse>> ListWithheld(rpc::Call call,
                                                              v1::ListWithheldRequest request);
  /// On OK it is durable, and readings of her history and exports that begin later follow it.
  Task<absl::StatusOr<v1::ReviewWithheldResponse>> ReviewWithheld(rpc::Call call,
                                                                  v1::ReviewWithheldRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
