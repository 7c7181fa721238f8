// Agreements after they were given: renewed, read, listed.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/domain/retention.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. Institutions see and renew the agreements they collected. Her host (acting_for_her.h) sees
/// id, state and period of those that name it as a recipient or let it act for her. All others are
/// NO_SUCH_OR_NOT_YOURS, and no answer tells that there are some; so is one whose proof is gone because its
/// time was over (D-2.10).
class ConsentHandlers {
 public:
  ConsentHandlers(Registry& registry, const RetentionRules& retention)
      : registry_(registry), retention_(retention) {}

  Task<absl::StatusOr<v1::RenewConsentResponse>> RenewConsent(rpc::Call call,
                                                              v1::RenewConsentRequest request);
  Task<absl::StatusOr<v1::GetConsentResponse>> GetConsent(rpc::Call call, v1::GetConsentRequest request);
  Task<absl::StatusOr<v1::ListConsentsResponse>> ListConsents(rpc::Call call,
                                                              v1::ListConsentsRequest request);

 private:
  Registry& registry_;
  const RetentionRules retention_;
};

}  // namespace relais::consent
