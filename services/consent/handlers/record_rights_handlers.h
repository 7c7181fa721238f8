// Rights carried out on what the registry keeps: rectification of an institution's own record, export.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "common/base/secret.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/consent/v1/rights_service.pb.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// Thread-safe. On OK the act, or for an export the leaf that says it (on every page), is durable. A page of
/// an export is about `page_bytes` of JSON at most, where no one entry is longer.
class RecordRightsHandlers {
 public:
  RecordRightsHandlers(Registry& registry, size_t page_bytes);

  Task<absl::StatusOr<v1::RectifyResponse>> Rectify(rpc::Call call, v1::RectifyRequest request);
  Task<absl::StatusOr<v1::ExportResponse>> Export(rpc::Call call, v1::ExportRequest request);

 private:
  Registry& registry_;
  const size_t page_bytes_;
  const Secret token_key_;
};

}  // namespace relais::consent
