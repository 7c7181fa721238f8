#include "services/consent/handlers/notice_answers.h"

#include <utility>

#include "common/base/status.h"
#include "services/consent/convert.h"
#include "services/consent/duties.h"

namespace relais::consent {
namespace {

struct Answering {
  NoticeAnswer answer;
  Id128 person;
  Id128 notice;
  std::string institution;
  audit::Event event;
};

absl::StatusOr<PlannedAct> PlanAnswer(Registry& registry, const Answering& answering,
                                      const PersonState& state, absl::Time instant) {
  const std::string row = answering.answer.kind.row(answering.institution, answering.notice);
  v1::StoredDuty duty;
  ASSIGN_OR_RETURN(const bool owed, registry.store.OpenRowOfName(answering.person, row, duty));
  if (!owed) {
    return rpc::NoSuchOrNotYours();
  }
  PlannedAct act;
  act.state = state;
  act.event = answering.event;
  RETURN_IF_ERROR(answering.answer.write(answering.institution, duty, act.event));
  duty.set_met(Micros(instant));
  act.remembered.set_event_id(act.event.event_id.ToBytes());
  act.remembered.set_until(duty.due());
  ASSIGN_OR_RETURN(storage::Mutation mutation, registry.store.WriteSealed(answering.person, row, duty));
  act.rows.push_back(std::move(mutation));
  return act;
}

}  // namespace

absl::Status CheckReasons(bool kept, const std::string& reasons, std::string_view kept_without) {
  if (kept && reasons.empty()) {
    return rpc::InvalidField("reasons", kept_without);
  }
  return kept || reasons.empty() ? absl::OkStatus() : rpc::InvalidField("reasons", "only of what is kept");
}

Task<absl::StatusOr<common::v1::Written>> AnswerNotice(Registry& registry, rpc::Call call,
                                                       NoticeAnswer answer) {
  const rpc::ServiceContext& context = registry.context;
  Answering answering;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  answering.institution = actor.institution;
  CO_ASSIGN_OR_RETURN(answering.person, rpc::PersonOf(context, call, answer.person, "person"));
  CO_ASSIGN_OR_RETURN(answering.notice, Id128::FromHex(answer.notice_id));
  const NoticeKind kind = answer.kind;
  answering.event = rpc::EventOf(call, actor, kind.answered, answer.request_id);
  answering.event.event_id = context.random.Id();
  ActRequest what{answering.person,
                  rpc::RequestOwner(call, actor),
                  std::string(kind.method),
                  answer.request_id,
                  answer.content,
                  answer.want_proof,
                  true};
  answering.answer = std::move(answer);
  const PlanAct plan = [&registry, answering](const PersonState& state, absl::Time instant) {
    return PlanAnswer(registry, answering, state, instant);
  };
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  // An entry that stays is passed over.
  storage::CommitRequest gone = RemoveDuty(context, {answering.institution, answering.person, kind.duty,
                                                     answering.notice, FromMicros(act->remembered.until())});
  const absl::StatusOr<storage::CommitResult> removed = co_await context.store.Commit(std::move(gone));
  (void)removed;
  co_return std::move(act->written);
}

}  // namespace relais::consent
