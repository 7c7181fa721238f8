#include "services/routing/referent_handlers.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/policy.h"
#include "services/routing/events.h"

namespace relais::routing {
namespace {

constexpr int kTries = 20;

// The state and its instant, and the place in a conflict, name a version of a référent without telling
// anything else.
std::string EtagOf(const v1::ReferentState& referent) {
  std::string etag = absl::StrCat(static_cast<int>(referent.state()), "-", referent.since().seconds(), "-",
                                  referent.since().nanos());
  if (const v1::PivotConflict conflict = ConflictOf(referent); conflict != v1::PIVOT_CONFLICT_UNSPECIFIED) {
    absl::StrAppend(&etag, "-", static_cast<int>(conflict));
  }
  return etag;
}

bool Concerns(const rpc::Call& call, const v1::ReferentState& referent) {
  return referent.proposed_by().institution() == call.caller.institution ||
         referent.referent().institution() == call.caller.institution;
}

// Only the proposed institution answers for itself; the proposer's desk records what she said; both may end
// it.
bool MayTake(const rpc::Call& call, const v1::ReferentState& referent, ReferentStep step) {
  switch (step) {
    case ReferentStep::kAccept:
    case ReferentStep::kDecline:
      return referent.referent().institution() == call.caller.institution;
    case ReferentStep::kAgree:
    case ReferentStep::kRefuse:
      return referent.proposed_by().institution() == call.caller.institution;
    case ReferentStep::kEnd:
      break;
  }
  return Concerns(call, referent);
}

// What is remembered of a change: the référent's id, 32 hexadecimal digits, then the event's, 16 bytes.
constexpr size_t kReferentIdSize = 32;

absl::Status CheckProposed(const rpc::Call& call, const v1::ProposeRequest& request) {
  const directory::Desk* desk = call.directory->FindDesk(request.desk());
  if (desk == nullptr || desk->institution != request.referent().institution()) {
    return rpc::InvalidField("desk", "is not a desk of the référent's institution");
  }
  if (request.referent().function().empty()) {
    return absl::OkStatus();
  }
  const directory::Function* function =
      call.directory->FindFunction(desk->institution, request.referent().function());
  if (function == nullptr || !function->May("BE_REFERENT")) {
    return rpc::InvalidField("referent.function", "is no function of that institution that may be référent");
  }
  return absl::OkStatus();
}

}  // namespace

v1::Referent ReferentHandlers::Show(const rpc::Call& call, const Id128& person,
                                    const v1::ReferentState& referent) const {
  v1::Referent out;
  out.set_referent_id(referent.referent_id());
  *out.mutable_person() = rpc::RefFor(context_, call, person);
  *out.mutable_referent() = referent.referent();
  out.set_agent(referent.agent());
  out.set_desk(referent.desk());
  out.set_state(referent.state());
  *out.mutable_proposed_by() = referent.proposed_by();
  *out.mutable_since() = referent.since();
  out.set_etag(EtagOf(referent));
  out.set_conflict(ConflictOf(referent));
  return out;
}

ReferentHandlers::SlotChange ReferentHandlers::StepOf(const rpc::Call& call, std::string method,
                                                      std::string request_id, const Id128& person,
                                                      std::string referent_id, std::string etag,
                                                      ReferentStep step) const {
  SlotChange out{std::move(method), std::move(request_id), person, nullptr, step == ReferentStep::kAccept};
  const absl::Time now = context_.clock.Now();
  out.change = [call, referent_id = std::move(referent_id), etag = std::move(etag), step,
                now](v1::PersonSlot& slot) -> absl::StatusOr<v1::ReferentState> {
    const v1::ReferentState* found = FindReferent(slot, referent_id);
    if (found == nullptr || !MayTake(call, *found, step)) {
      return rpc::NoSuchOrNotYours();
    }
    if (!etag.empty() && etag != EtagOf(*found)) {
      return rpc::Refusal(absl::StatusCode::kAborted, common::v1::ERROR_REASON_ETAG_MISMATCH,
                          "the référent pivot has changed: read it again");
    }
    return TakeStep(slot, referent_id, step, now);
  };
  return out;
}

Task<absl::StatusOr<ReferentHandlers::Result>> ReferentHandlers::Change(
    rpc::Call call, SlotChange change, std::shared_ptr<const google::protobuf::Message> content) {
  CO_RETURN_IF_ERROR(context_.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  const storage::Partition partition = RoutingStore::PersonPartition(change.person);
  const Id128 event_id = context_.random.Id();
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const auto seen,
                        context_.idempotency.Look(context_.store, partition, actor.institution, change.method,
                                                  change.request_id, *content));
    CO_ASSIGN_OR_RETURN(auto slot, store_.Slot(change.person));
    Result result;
    if (seen.answer.has_value()) {
      auto again = co_await Again(call, change.person, std::move(slot.value), *seen.answer);
      co_return again;
    }
    CO_ASSIGN_OR_RETURN(const v1::ReferentState after, change.change(slot.value));
    if (change.accepts) {
      CO_RETURN_IF_ERROR(NoOtherName(change.person));
    }
    storage::CommitRequest commit;
    audit::Event event = ReferentEvent(call, actor, change.request_id, change.person, after);
    event.event_id = event_id;
    CO_ASSIGN_OR_RETURN(auto draft, context_.log.Draft(event));
    commit.leaves.push_back(std::move(draft));
    CO_RETURN_IF_ERROR(store_.PutSlot(slot, change.person, commit));
    rpc::Idempotency::RememberText(seen, after.referent_id() + event_id.ToBytes(), commit);
    const auto done = co_await context_.store.Commit(std::move(commit));
    if (done.ok()) {
      result.referent = Show(call, change.person, after);
      CO_ASSIGN_OR_RETURN(result.written, co_await rpc::WrittenOf(context_, done->leaves, false, false));
      co_return result;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the pivot slot changes too often");
}

// D-5.2: at most one active per person, whatever names she is known by. Two accepted at once under two names
// are in conflict from then on (Pivots::Settle).
absl::Status ReferentHandlers::NoOtherName(const Id128& person) const {
  ASSIGN_OR_RETURN(const HerPivots hers, pivots_.Of(person));
  for (const ActivePivot& active : hers.Active()) {
    if (hers.names[active.name].person != person) {
      return AnotherIsActive();
    }
  }
  return absl::OkStatus();
}

// The answer to a repeated request: how the référent stands now, and the instant of the first time.
Task<absl::StatusOr<ReferentHandlers::Result>> ReferentHandlers::Again(rpc::Call call, Id128 person,
                                                                       v1::PersonSlot slot,
                                                                       std::string remembered) {
  const v1::ReferentState* found = FindReferent(slot, remembered.substr(0, kReferentIdSize));
  if (found == nullptr) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_ASSIGN_OR_RETURN(const Id128 event_id,
                      Id128::FromBytes(std::string_view(remembered).substr(kReferentIdSize)));
  Result result;
  result.referent = Show(call, person, *found);
  const audit::Subject subject{audit::Subject::Kind::kPerson, person};
  auto written = co_await rpc::WrittenAgain(context_, subject, event_id, false, false);
  CO_RETURN_IF_ERROR(written.status());
  result.written = std::move(*written);
  co_return result;
}

Task<absl::StatusOr<v1::ProposeResponse>> ReferentHandlers::Propose(rpc::Call call,
                                                                    v1::ProposeRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  CO_RETURN_IF_ERROR(CheckProposed(call, request));
  v1::ReferentState proposal;
  proposal.set_referent_id(context_.random.Id().ToHex());
  *proposal.mutable_referent() = request.referent();
  proposal.set_agent(request.agent());
  proposal.set_desk(request.desk());
  proposal.mutable_proposed_by()->set_institution(call.caller.institution);
  proposal.mutable_proposed_by()->set_function(call.caller.function);
  SlotChange change{"Propose", request.request_id(), person, nullptr, /*accepts=*/false};
  const absl::Time now = context_.clock.Now();
  change.change = [proposal, now](v1::PersonSlot& slot) -> absl::StatusOr<v1::ReferentState> {
    if (OpenProposals(slot, proposal.proposed_by().institution()) >= kMostOpenProposals) {
      return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                          "too many of your proposals for this person wait for an answer: end one first");
    }
    AddProposal(slot, proposal, now);
    return slot.referents(slot.referents_size() - 1);
  };
  CO_ASSIGN_OR_RETURN(
      Result result, co_await Change(call, std::move(change), std::make_shared<v1::ProposeRequest>(request)));
  v1::ProposeResponse response;
  *response.mutable_referent() = std::move(result.referent);
  *response.mutable_written() = std::move(result.written);
  co_return response;
}

Task<absl::StatusOr<v1::RecordPersonDecisionResponse>> ReferentHandlers::RecordPersonDecision(
    rpc::Call call, v1::RecordPersonDecisionRequest request) {
  if (request.agreed()) {  // her no needs nothing
    CO_RETURN_IF_ERROR(rpc::CheckCapability(call, "RECORD_CONSENT"));
  }
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  SlotChange change =
      StepOf(call, "RecordPersonDecision", request.request_id(), person, request.referent_id(),
             request.etag(), request.agreed() ? ReferentStep::kAgree : ReferentStep::kRefuse);
  CO_ASSIGN_OR_RETURN(
      Result result,
      co_await Change(call, std::move(change), std::make_shared<v1::RecordPersonDecisionRequest>(request)));
  v1::RecordPersonDecisionResponse response;
  *response.mutable_referent() = std::move(result.referent);
  *response.mutable_written() = std::move(result.written);
  co_return response;
}

Task<absl::StatusOr<v1::AcceptResponse>> ReferentHandlers::Accept(rpc::Call call, v1::AcceptRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  SlotChange change = StepOf(call, "Accept", request.request_id(), person, request.referent_id(),
                             request.etag(), ReferentStep::kAccept);
  CO_ASSIGN_OR_RETURN(Result result,
                      co_await Change(call, std::move(change), std::make_shared<v1::AcceptRequest>(request)));
  v1::AcceptResponse response;
  *response.mutable_referent() = std::move(result.referent);
  *response.mutable_written() = std::move(result.written);
  co_return response;
}

Task<absl::StatusOr<v1::DeclineResponse>> ReferentHandlers::Decline(rpc::Call call,
                                                                    v1::DeclineRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  SlotChange change = StepOf(call, "Decline", request.request_id(), person, request.referent_id(),
                             request.etag(), ReferentStep::kDecline);
  CO_ASSIGN_OR_RETURN(
      Result result, co_await Change(call, std::move(change), std::make_shared<v1::DeclineRequest>(request)));
  v1::DeclineResponse response;
  *response.mutable_referent() = std::move(result.referent);
  *response.mutable_written() = std::move(result.written);
  co_return response;
}

Task<absl::StatusOr<v1::EndResponse>> ReferentHandlers::End(rpc::Call call, v1::EndRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  SlotChange change = StepOf(call, "End", request.request_id(), person, request.referent_id(), request.etag(),
                             ReferentStep::kEnd);
  CO_ASSIGN_OR_RETURN(Result result,
                      co_await Change(call, std::move(change), std::make_shared<v1::EndRequest>(request)));
  v1::EndResponse response;
  *response.mutable_referent() = std::move(result.referent);
  *response.mutable_written() = std::move(result.written);
  co_return response;
}

Task<absl::StatusOr<v1::GetReferentResponse>> ReferentHandlers::GetReferent(rpc::Call call,
                                                                            v1::GetReferentRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context_, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const HerPivots hers, pivots_.Of(person));
  // Over all her names, as her messages find him (ADR 42); named as the institution knows her who proposed or
  // is him.
  const std::optional<ActivePivot> shown = ReferentFor(hers.names, hers.Leading(), call.caller.institution);
  if (!shown.has_value()) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::GetReferentResponse response;
  *response.mutable_referent() = Show(call, hers.names[shown->name].person, *shown->referent);
  co_return response;
}

}  // namespace relais::routing
