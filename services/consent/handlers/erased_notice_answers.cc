#include "services/consent/handlers/erased_notice_answers.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/erased_notices.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kMethod[] = "relais.consent.v1.ConsentService/AnswerErasureNotice";

// Free text must not outlive her in a leaf that no erasure seals (D-2.10): part R dies with its month's key.
std::string MotiveWith(const std::string& motive, const std::string& reasons) {
  return motive.empty() || reasons.empty() ? motive + reasons : absl::StrCat(motive, "; ", reasons);
}

audit::Event AnsweredEvent(const rpc::Call& call, const rpc::Actor& actor,
                           const v1::AnswerErasureNoticeRequest& request, const Id128& event_id) {
  audit::Event event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_ERASURE_ANSWERED, request.request_id());
  event.event_id = event_id;
  event.details.mutable_recipient()->set_institution(actor.institution);
  event.actor.set_motive(MotiveWith(event.actor.motive(), request.reasons()));
  v1::ErasureAnswered payload;
  payload.set_notice_id(request.notice_id());
  payload.set_outcome(request.outcome());
  event.details.mutable_payload()->PackFrom(payload);
  return event;
}

absl::StatusOr<storage::LeafRange> LeafOf(audit::Log& log, const std::string& answer) {
  v1::ClaimedAct act;
  if (!act.ParseFromString(answer)) {
    return absl::DataLossError("a remembered answer does not parse");
  }
  ASSIGN_OR_RETURN(const Id128 event, Id128::FromBytes(act.event_id()));
  return FindLeaf(log, {event, absl::FromUnixMicros(act.time()), act.log_size()});
}

// What the answer commits: notice, leaf, and what finds the leaf again for a repetition.
absl::StatusOr<storage::CommitRequest> CommitOf(const rpc::ServiceContext& context, const rpc::Call& call,
                                                const rpc::Actor& actor,
                                                const v1::AnswerErasureNoticeRequest& request,
                                                const Id128& notice, const rpc::Idempotency::Seen& seen) {
  ASSIGN_OR_RETURN(std::optional<FoundErasedNotice> found, FindErasedNotice(context, notice));
  if (!found) {
    return rpc::NoSuchOrNotYours();
  }
  if (found->stored.outcome() == v1::ERASURE_OUTCOME_ERASED) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this notice was answered: erased");
  }
  const absl::Time now = context.log.Now();
  v1::ClaimedAct act;
  const Id128 event_id = context.random.Id();
  act.set_event_id(event_id.ToBytes());
  act.set_time(absl::ToUnixMicros(now));
  act.set_log_size(context.log.state().size);
  found->stored.add_requests(seen.key);
  storage::CommitRequest commit =
      AnswerOfErasedNotice(context, notice, *std::move(found), request.outcome(), now);
  rpc::Idempotency::Remember(seen, act, commit);
  ASSIGN_OR_RETURN(storage::LeafDraft leaf, context.log.Draft(AnsweredEvent(call, actor, request, event_id)));
  commit.leaves.push_back(std::move(leaf));
  return commit;
}

}  // namespace

absl::StatusOr<bool> IsOfAnErasure(Registry& registry, const rpc::Call& call,
                                   const v1::AnswerErasureNoticeRequest& request) {
  const rpc::ServiceContext& context = registry.context;
  ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(context, call, request.person(), "person"));
  return ErasedNoticeId(context, person, actor.institution).ToHex() == request.notice_id();
}

Task<absl::StatusOr<common::v1::Written>> AnswerErasedNotice(Registry& registry, rpc::Call call,
                                                             v1::AnswerErasureNoticeRequest request) {
  const rpc::ServiceContext& context = registry.context;
  CO_RETURN_IF_ERROR(context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 notice, Id128::FromHex(request.notice_id()));
  const std::shared_ptr<const google::protobuf::Message> content = ContentOf(request);
  co_await ResumeOn(context.executor);
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    CO_ASSIGN_OR_RETURN(
        const rpc::Idempotency::Seen seen,
        context.idempotency.Look(context.store, ErasedNotices(context), rpc::RequestOwner(call, actor),
                                 kMethod, request.request_id(), *content));
    std::optional<storage::LeafRange> leaves;
    if (seen.answer) {
      CO_ASSIGN_OR_RETURN(leaves, LeafOf(context.log, *seen.answer));
    } else {
      CO_ASSIGN_OR_RETURN(storage::CommitRequest commit,
                          CommitOf(context, call, actor, request, notice, seen));
      const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
      if (absl::IsAborted(done.status())) {
        continue;  // another answer came first
      }
      CO_RETURN_IF_ERROR(done.status());
      leaves = done->leaves;
    }
    absl::StatusOr<common::v1::Written> written =
        co_await rpc::WrittenOf(context, *leaves, request.want_proof(), true);
    co_return written;
  }
  co_return TooContended();
}

}  // namespace relais::consent
