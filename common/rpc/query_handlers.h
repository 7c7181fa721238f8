// AuditService.Query: the leaves that satisfy an auditor's filters. No gRPC here.
#pragma once

#include "common/audit/index.h"
#include "common/audit/query.h"
#include "common/rpc/audit_view.h"
#include "common/rpc/call.h"
#include "common/rpc/service_context.h"
#include "relais/audit/v1/audit_query.pb.h"

namespace relais::rpc {

/// The filters as the log understands them. INVALID_ARGUMENT: a subject without case number, a name of a
/// person that the caller may not use, an agent without institution or, for an institution's DPO, of another
/// one.
[[nodiscard]] absl::StatusOr<audit::LeafQuery> ToLeafQuery(const ServiceContext& context, const Call& call,
                                                           const AuditView& view,
                                                           const audit::v1::QueryFilters& filters);

/// Thread-safe. `context`, what it refers to, and the index outlive it and every call.
class QueryHandlers {
 public:
  QueryHandlers(const ServiceContext& context, const audit::Index& index);

  /// The first page's leaf (LOG_READ, and AGENT_SEARCHED in the same commit) is durable before anything is
  /// answered; it is written while the leaves are looked for. NO scope: MISSING_ROLE.
  Task<absl::StatusOr<audit::v1::QueryResponse>> Query(Call call, audit::v1::QueryRequest request);

 private:
  [[nodiscard]] absl::StatusOr<audit::QueryRange> RangeOf(const Call& call,
                                                          const audit::v1::QueryRequest& request,
                                                          const audit::LeafQuery& query,
                                                          uint64_t& size) const;
  Task<absl::Status> WriteLeaves(Call call, audit::v1::QueryFilters filters);
  void AddHit(const AuditView& view, audit::QueryHit hit, audit::v1::QueryResponse& response) const;

  const ServiceContext context_;
  const audit::Index& index_;
  const Secret token_key_;
};

}  // namespace relais::rpc
