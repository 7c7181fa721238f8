// What she was told, and what institutions still owe (D-2.4, D-2.6.4, D-2.7).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/handlers/inquiry.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe.
class DutyHandlers {
 public:
  explicit DutyHandlers(Registry& registry) : registry_(registry) {}

  /// On OK it is durable. Repeated information of one occasion is recorded again and meets nothing more.
  Task<absl::StatusOr<v1::RecordInformationResponse>> RecordInformation(rpc::Call call,
                                                                        v1::RecordInformationRequest request);
  /// The caller's institution's own.
  Task<absl::StatusOr<v1::ListObligationsResponse>> ListObligations(rpc::Call call,
                                                                    v1::ListObligationsRequest request);

 private:
  Task<absl::Status> TidyUp(Id128 person, std::string institution, v1::RecordInformationRequest request);
  Registry& registry_;
};

/// Joins to the commit of a permit the duty of art. 14 that it brings to the recipient, if it brings one that
/// is not there yet: owed once by an institution to a person. What has to be durable before that commit.
absl::StatusOr<std::optional<storage::CommitRequest>> OweInformation(Registry& registry,
                                                                     const Inquiry& inquiry,
                                                                     const Id128& person,
                                                                     const Decided& decided,
                                                                     storage::CommitRequest& commit);

}  // namespace relais::consent
