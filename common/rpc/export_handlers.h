// AuditService.Export: a part of the log up to its latest checkpoint, as fast as the client reads. No gRPC
// here.
#pragma once

#include <memory>

#include "common/rpc/audit_view.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "common/rpc/stream.h"
#include "relais/audit/v1/audit_query.pb.h"

namespace relais::rpc {

/// Thread-safe. `context` and what it refers to outlive it and every call.
class ExportHandlers {
 public:
  explicit ExportHandlers(const ServiceContext& context) : context_(context) {}

  /// First the checkpoint, then leaves in messages of about 256 KiB: while one is on its way the next is
  /// read, and no more. Institutions: a LOG_READ leaf is durable first, and their scope must last.
  Task<absl::Status> Export(Call call, audit::v1::ExportRequest request,
                            std::shared_ptr<Writer<audit::v1::ExportResponse>> out);

 private:
  Task<absl::Status> WriteLeaf(Call call, uint64_t from);
  Task<absl::StatusOr<std::string>> CheckpointOf(Call call, uint64_t min_size);
  // The next message, from `next` on.
  absl::Status Fill(const AuditView& view, uint64_t next, uint64_t end,
                    audit::v1::ExportResponse& message) const;

  const ServiceContext context_;
};

}  // namespace relais::rpc
