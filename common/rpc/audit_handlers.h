// What AuditService answers, over this service's log: proofs here, the rest in a class of its own each. No
// gRPC.
#pragma once

#include <memory>

#include "common/audit/cosignatures.h"
#include "common/audit/index.h"
#include "common/rpc/call.h"
#include "common/rpc/export_handlers.h"
#include "common/rpc/query_handlers.h"
#include "common/rpc/scope_handlers.h"
#include "common/rpc/service_context.h"
#include "common/rpc/tail_handlers.h"
#include "relais/audit/v1/audit_service.pb.h"

namespace relais::rpc {

/// Thread-safe. `context` and what it refers to outlive it and every call.
class AuditHandlers {
 public:
  AuditHandlers(const ServiceContext& context, OpenedTable opened);

  /// Waits until the log has `min_size`; DEADLINE_EXCEEDED when it has not in time.
  Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> GetCheckpoint(
      Call call, audit::v1::GetCheckpointRequest request);
  /// INVALID_ARGUMENT or FAILED_PRECONDITION, as the proto says; nothing is kept then.
  Task<absl::StatusOr<audit::v1::AddCosignatureResponse>> AddCosignature(
      Call call, audit::v1::AddCosignatureRequest request);
  /// NO_SUCH_OR_NOT_YOURS for an index beyond the tree and, unless a service or an auditor asks, for a leaf
  /// of another institution.
  Task<absl::StatusOr<audit::v1::GetInclusionProofResponse>> GetInclusionProof(
      Call call, audit::v1::GetInclusionProofRequest request);
  Task<absl::StatusOr<audit::v1::GetConsistencyProofResponse>> GetConsistencyProof(
      Call call, audit::v1::GetConsistencyProofRequest request);
  /// Institutions need a scope over the whole log.
  Task<absl::StatusOr<audit::v1::ListLeavesResponse>> ListLeaves(Call call,
                                                                 audit::v1::ListLeavesRequest request);

  TailHandlers& tail() { return tail_; }
  QueryHandlers& query() { return query_; }
  ScopeHandlers& scopes() { return scopes_; }
  ExportHandlers& exports() { return exports_; }
  /// Not started: queries read every leaf until it is. Stop it before what `context` refers to ends.
  audit::Index& index() { return index_; }

 private:
  // GetCheckpoint with `cosigned` or `to_cosign`.
  Task<absl::StatusOr<audit::v1::GetCheckpointResponse>> CosignedCheckpoint(
      Call call, audit::v1::GetCheckpointRequest request);

  [[nodiscard]] absl::Status MayRead(const Call& call, uint64_t index) const;

  const ServiceContext context_;
  const std::shared_ptr<audit::Cosignatures> cosignatures_;
  audit::Index index_;
  TailHandlers tail_;
  QueryHandlers query_;
  ScopeHandlers scopes_;
  ExportHandlers exports_;
};

}  // namespace relais::rpc
