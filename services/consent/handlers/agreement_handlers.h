// Agreements, refusals, withdrawals (D-2.6, D-2.7, D-2.12).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the act is durable, and every check at the returned revision or later knows it.
class AgreementHandlers {
 public:
  explicit AgreementHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::RecordConsentResponse>> RecordConsent(rpc::Call call,
                                                                v1::RecordConsentRequest request);
  Task<absl::StatusOr<v1::RecordRefusalResponse>> RecordRefusal(rpc::Call call,
                                                                v1::RecordRefusalRequest request);
  Task<absl::StatusOr<v1::WithdrawConsentResponse>> WithdrawConsent(rpc::Call call,
                                                                    v1::WithdrawConsentRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
