#include "common/rpc/scope_handlers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/audit_view.h"

namespace relais::rpc {
namespace {

using audit::v1::ApproveScopeRequest;
using audit::v1::ApproveScopeResponse;
using audit::v1::ListScopesRequest;
using audit::v1::ListScopesResponse;
using audit::v1::ProposeScopeRequest;
using audit::v1::ProposeScopeResponse;
using audit::v1::ScopeState;

constexpr char kPropose[] = "relais.audit.v1.AuditService/ProposeScope";
constexpr char kApprove[] = "relais.audit.v1.AuditService/ApproveScope";
constexpr size_t kMostScopes = 1000;
constexpr size_t kMostRemoved = 500;

std::string NameOf(const Caller& caller) { return absl::StrCat(caller.institution, "/", caller.system); }

absl::Status SecondPersonRequired(std::string_view why) {
  return Refusal(absl::StatusCode::kPermissionDenied, common::v1::ERROR_REASON_SECOND_PERSON_REQUIRED, why);
}

absl::Status WrongState(std::string_view why) {
  return Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE, why);
}

audit::Event ScopeEvent(const Call& call, audit::v1::EventClass event_class, const std::string& request_id,
                        const std::string& authority, const google::protobuf::Message& payload) {
  audit::Event event = EventOf(call, {call.caller.institution, call.caller.function, call.caller.agent},
                               event_class, request_id);
  event.details.mutable_recipient()->set_institution(authority);
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

// Past their end so long that only the log tells of them.
bool IsForgotten(const ScopeState& state, absl::Time now) {
  const absl::Time end = state.approved_by().empty() ? ApproveBy(state) : FromProto(state.until());
  return end + kKeptAfterEnd < now;
}

// Commits one change of the scopes with its leaf and its answer.
Task<absl::StatusOr<storage::CommitResult>> CommitScope(const ServiceContext& context, audit::Event event,
                                                        storage::CommitRequest commit) {
  CO_ASSIGN_OR_RETURN(storage::LeafDraft draft, context.log.Draft(event));
  commit.leaves.push_back(std::move(draft));
  absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
  co_return done;
}

// The evidence for an answer that was given before.
common::v1::Written WrittenNow(const ServiceContext& context) {
  common::v1::Written written;
  written.set_revision(context.log.Revision(context.log.state().size));
  *written.mutable_time() = ToProto(context.log.Now());
  return written;
}

}  // namespace

ScopeHandlers::ScopeHandlers(const ServiceContext& context)
    : context_(context), agent_key_(context.log.DeriveKey("relais scope agent v1")) {}

absl::Status ScopeHandlers::MayGrant(const Call& call) const {
  const bool operates = call.caller.roles.count(common::v1::ROLE_OPERATOR) > 0;
  return operates || HasSuiteScope(call.caller, *call.directory, context_.log.Now()) ? absl::OkStatus()
                                                                                     : NoScope();
}

std::string ScopeHandlers::AgentDigest(const std::string& agent) const {
  return crypto::HmacSha256(agent_key_, agent);
}

absl::Status ScopeHandlers::CheckProposal(const Call& call, const ProposeScopeRequest& request) const {
  const absl::Time now = context_.log.Now();
  const absl::Time until = FromProto(request.until());
  if (until <= now || until > now + kLongestScope) {
    return InvalidField("until", "must be in the next 90 days");
  }
  if (request.institution() == call.caller.institution) {
    return InvalidField("institution", "must be another than your own");
  }
  const directory::Institution* institution = call.directory->FindInstitution(request.institution());
  const directory::System* system =
      institution == nullptr ? nullptr : institution->FindSystem(request.system());
  if (system == nullptr || !system->HasRole("AUDITOR")) {
    return InvalidField("system", "the directory has no such system with the role AUDITOR");
  }
  return absl::OkStatus();
}

Task<absl::StatusOr<ProposeScopeResponse>> ScopeHandlers::ProposeScope(Call call,
                                                                       ProposeScopeRequest request) {
  co_await ResumeOn(context_.executor);
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_RETURN_IF_ERROR(MayGrant(call));
  const storage::Partition partition = ScopePartition(context_);
  CO_ASSIGN_OR_RETURN(Idempotency::Seen seen,
                      context_.idempotency.Look(context_.store, partition, call.caller.institution, kPropose,
                                                request.request_id(), request));
  ProposeScopeResponse response;
  if (seen.answer.has_value()) {
    if (!response.ParseFromString(*seen.answer)) {
      co_return absl::DataLossError("a remembered answer does not parse");
    }
    *response.mutable_written() = WrittenNow(context_);
    co_return response;
  }
  CO_RETURN_IF_ERROR(CheckProposal(call, request));
  const absl::Time now = context_.log.Now();
  CO_ASSIGN_OR_RETURN(const std::vector<ScopeState> scopes, ReadScopes(context_));
  storage::CommitRequest commit;
  commit.partition = partition;
  for (const ScopeState& scope : scopes) {
    if (IsForgotten(scope, now) && commit.batch.size() < kMostRemoved) {
      commit.batch.push_back({ScopeKey(scope.scope_id()), std::nullopt});
    }
  }
  if (scopes.size() >= kMostScopes) {
    co_return WrongState("too many scopes are proposed");
  }
  ScopeState state;
  state.set_scope_id(context_.random.Id().ToHex());
  state.set_institution(request.institution());
  state.set_system(request.system());
  *state.mutable_until() = request.until();
  state.set_proposer_institution(call.caller.institution);
  state.set_proposer_system(call.caller.system);
  state.set_proposer_agent(AgentDigest(call.caller.agent));
  *state.mutable_proposed() = ToProto(now);
  audit::v1::ScopeProposed payload;
  payload.set_scope_id(state.scope_id());
  payload.set_institution(state.institution());
  payload.set_system(state.system());
  *payload.mutable_until() = state.until();
  response.set_scope_id(state.scope_id());
  *response.mutable_approve_by() = ToProto(ApproveBy(state));
  commit.batch.push_back(PutScope(state));
  Idempotency::Remember(seen, response, commit);
  audit::Event event = ScopeEvent(call, audit::v1::EVENT_CLASS_SCOPE_PROPOSED, request.request_id(),
                                  request.institution(), payload);
  const absl::StatusOr<storage::CommitResult> done =
      co_await CommitScope(context_, std::move(event), std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  absl::StatusOr<common::v1::Written> written = co_await WrittenOf(context_, done->leaves, false, false);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

absl::Status ScopeHandlers::CheckApproval(const Call& call, const ScopeState& scope) const {
  if (call.caller.institution == scope.institution() ||
      call.caller.institution == scope.proposer_institution()) {
    return SecondPersonRequired("another institution than the proposer's and the authority's must approve");
  }
  if (StateAt(scope, context_.log.Now()) != audit::v1::Scope::STATE_PROPOSED) {
    return WrongState("the scope does not wait for an approval");
  }
  if (ConstantTimeEqual(scope.proposer_agent(), AgentDigest(call.caller.agent))) {
    return SecondPersonRequired("another agent than the proposer must approve");
  }
  return absl::OkStatus();
}

Task<absl::StatusOr<ApproveScopeResponse>> ScopeHandlers::ApproveScope(Call call,
                                                                       ApproveScopeRequest request) {
  co_await ResumeOn(context_.executor);
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_RETURN_IF_ERROR(MayGrant(call));
  const storage::Partition partition = ScopePartition(context_);
  CO_ASSIGN_OR_RETURN(Idempotency::Seen seen,
                      context_.idempotency.Look(context_.store, partition, call.caller.institution, kApprove,
                                                request.request_id(), request));
  ApproveScopeResponse response;
  if (seen.answer.has_value()) {
    if (!response.ParseFromString(*seen.answer)) {
      co_return absl::DataLossError("a remembered answer does not parse");
    }
    *response.mutable_written() = WrittenNow(context_);
    co_return response;
  }
  CO_ASSIGN_OR_RETURN(std::optional<StoredScope> stored, GetScope(context_, request.scope_id()));
  if (!stored.has_value()) {
    co_return NoSuchOrNotYours();
  }
  ScopeState& state = stored->state;
  CO_RETURN_IF_ERROR(CheckApproval(call, state));
  state.set_approved_by(NameOf(call.caller));
  *state.mutable_approved() = ToProto(context_.log.Now());
  state.clear_proposer_agent();
  audit::v1::ScopeApproved payload;
  payload.set_scope_id(state.scope_id());
  payload.set_institution(state.institution());
  payload.set_system(state.system());
  *payload.mutable_until() = state.until();
  payload.set_proposed_by(absl::StrCat(state.proposer_institution(), "/", state.proposer_system()));
  *response.mutable_until() = state.until();
  storage::CommitRequest commit;
  commit.partition = partition;
  commit.batch.push_back(PutScope(state));
  commit.preconditions.push_back({ScopeKey(state.scope_id()), stored->version});
  Idempotency::Remember(seen, response, commit);
  audit::Event event = ScopeEvent(call, audit::v1::EVENT_CLASS_SCOPE_APPROVED, request.request_id(),
                                  state.institution(), payload);
  const absl::StatusOr<storage::CommitResult> done =
      co_await CommitScope(context_, std::move(event), std::move(commit));
  if (absl::IsAborted(done.status())) {
    co_return WrongState("the scope was approved at the same moment");
  }
  CO_RETURN_IF_ERROR(done.status());
  absl::StatusOr<common::v1::Written> written = co_await WrittenOf(context_, done->leaves, false, false);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

Task<absl::StatusOr<ListScopesResponse>> ScopeHandlers::ListScopes(Call /*call*/,
                                                                   ListScopesRequest /*request*/) {
  co_await ResumeOn(context_.executor);
  CO_ASSIGN_OR_RETURN(std::vector<ScopeState> scopes, ReadScopes(context_));
  std::sort(scopes.begin(), scopes.end(), [](const ScopeState& a, const ScopeState& b) {
    return FromProto(a.proposed()) > FromProto(b.proposed());
  });
  const absl::Time now = context_.log.Now();
  ListScopesResponse response;
  for (const ScopeState& state : scopes) {
    if (IsForgotten(state, now)) {
      continue;
    }
    audit::v1::Scope& scope = *response.add_scopes();
    scope.set_scope_id(state.scope_id());
    scope.set_institution(state.institution());
    scope.set_system(state.system());
    scope.set_state(StateAt(state, now));
    *scope.mutable_until() = state.until();
    scope.set_proposed_by(absl::StrCat(state.proposer_institution(), "/", state.proposer_system()));
    *scope.mutable_proposed() = state.proposed();
    scope.set_approved_by(state.approved_by());
    if (state.has_approved()) {
      *scope.mutable_approved() = state.approved();
    }
  }
  co_return response;
}

}  // namespace relais::rpc
