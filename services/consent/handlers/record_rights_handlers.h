// Rights carried out on what the registry keeps: rectification of an institution's own record, export.
#pragma once

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/rights_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the act, or for an export the leaf that says it, is durable.
class RecordRightsHandlers {
 public:
  explicit RecordRightsHandlers(Registry& registry) : registry_(registry) {}

  Task<absl::StatusOr<v1::RectifyResponse>> Rectify(rpc::Call call, v1::RectifyRequest request);
  Task<absl::StatusOr<v1::ExportResponse>> Export(rpc::Call call, v1::ExportRequest request);

 private:
  Registry& registry_;
};

}  // namespace relais::consent
