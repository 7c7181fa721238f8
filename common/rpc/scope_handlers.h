// AuditService.ProposeScope, ApproveScope, ListScopes: an authority reads this log for a limited time,
// granted by two humans of two institutions, neither of them the authority's. No gRPC here.
#pragma once

#include "common/rpc/call.h"
#include "common/rpc/scope_store.h"
#include "common/rpc/service_context.h"
#include "relais/audit/v1/audit_query.pb.h"

namespace relais::rpc {

/// Thread-safe. `context` and what it refers to outlive it and every call.
///
/// Who may propose and approve: an OPERATOR, or an AUDITOR to whom the directory gives the scope of the suite
/// (ADR 7).
class ScopeHandlers {
 public:
  explicit ScopeHandlers(const ServiceContext& context);

  /// Writes SCOPE_PROPOSED. INVALID_ARGUMENT: no such system with role AUDITOR, the caller's own institution,
  /// an end that is past or more than 90 days away.
  Task<absl::StatusOr<audit::v1::ProposeScopeResponse>> ProposeScope(Call call,
                                                                     audit::v1::ProposeScopeRequest request);
  /// Writes SCOPE_APPROVED; the scope holds once that is durable. SECOND_PERSON_REQUIRED: the proposer's or
  /// the authority's institution, or the same agent. WRONG_STATE: approved before, lapsed.
  Task<absl::StatusOr<audit::v1::ApproveScopeResponse>> ApproveScope(Call call,
                                                                     audit::v1::ApproveScopeRequest request);
  Task<absl::StatusOr<audit::v1::ListScopesResponse>> ListScopes(Call call,
                                                                 audit::v1::ListScopesRequest request);

 private:
  [[nodiscard]] absl::Status MayGrant(const Call& call) const;
  [[nodiscard]] absl::Status CheckProposal(const Call& call,
                                           const audit::v1::ProposeScopeRequest& request) const;
  [[nodiscard]] absl::Status CheckApproval(const Call& call, const audit::v1::ScopeState& scope) const;
  [[nodiscard]] std::string AgentDigest(const std::string& agent) const;

  const ServiceContext context_;
  const Secret agent_key_;
};

}  // namespace relais::rpc
