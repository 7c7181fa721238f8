// That a person died, moved, or is not to be grouped with a household (D-5.6).
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/person_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

inline constexpr std::string_view kStatusKey = "status";

/// Thread-safe. On OK row and leaf are durable.
class StatusHandlers {
 public:
  explicit StatusHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::UpdateStatusResponse>> UpdateStatus(rpc::Call call,
                                                              v1::UpdateStatusRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
