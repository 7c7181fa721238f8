#include "services/consent/handlers/erasure_notice_handlers.h"

#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/convert.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/record_act.h"

namespace relais::consent {
namespace {

constexpr char kAnswer[] = "relais.consent.v1.ConsentService/AnswerErasureNotice";

absl::Status CheckAnswer(const v1::AnswerErasureNoticeRequest& request) {
  switch (request.outcome()) {
    case v1::ERASURE_OUTCOME_KEPT:
      return request.reasons().empty() ? rpc::InvalidField("reasons", "must say on which ground it is kept")
                                       : absl::OkStatus();
    case v1::ERASURE_OUTCOME_ERASED:
    case v1::ERASURE_OUTCOME_NOT_HELD:
      return request.reasons().empty() ? absl::OkStatus()
                                       : rpc::InvalidField("reasons", "only of what is kept");
    default:
      return rpc::InvalidField("outcome", "is required");
  }
}

struct Answering {
  v1::AnswerErasureNoticeRequest request;
  Id128 person;
  Id128 notice;
  std::string institution;
  audit::Event event;
};

absl::StatusOr<PlannedAct> PlanAnswer(Registry& registry, const Answering& answering,
                                      const PersonState& state, absl::Time instant) {
  const std::string row = ErasureDutyRow(answering.institution, answering.notice);
  v1::StoredDuty duty;
  ASSIGN_OR_RETURN(const bool asked, registry.store.OpenRowOfName(answering.person, row, duty));
  if (!asked) {
    return rpc::NoSuchOrNotYours();
  }
  if (duty.outcome() == v1::ERASURE_OUTCOME_ERASED) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this notice was answered: erased");
  }
  duty.set_met(Micros(instant));
  duty.set_outcome(answering.request.outcome());
  v1::ErasureAnswered payload;
  payload.set_notice_id(answering.request.notice_id());
  payload.set_outcome(answering.request.outcome());
  payload.set_reasons(answering.request.reasons());
  PlannedAct act;
  act.state = state;
  act.event = answering.event;
  act.event.details.mutable_recipient()->set_institution(answering.institution);
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(act.event.event_id.ToBytes());
  act.remembered.set_until(duty.due());
  ASSIGN_OR_RETURN(storage::Mutation mutation, registry.store.WriteSealed(answering.person, row, duty));
  act.rows.push_back(std::move(mutation));
  return act;
}

}  // namespace

Task<absl::StatusOr<v1::AnswerErasureNoticeResponse>> ErasureNoticeHandlers::AnswerErasureNotice(
    rpc::Call call, v1::AnswerErasureNoticeRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  Answering answering;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  answering.institution = actor.institution;
  CO_ASSIGN_OR_RETURN(answering.person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(answering.notice, Id128::FromHex(request.notice_id()));
  CO_RETURN_IF_ERROR(CheckAnswer(request));
  answering.event = rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_ERASURE_ANSWERED, request.request_id());
  answering.event.event_id = context.random.Id();
  answering.request = request;
  ActRequest what{answering.person,   rpc::RequestOwner(call, actor), kAnswer, request.request_id(),
                  ContentOf(request), request.want_proof(),           true};
  const PlanAct plan = [&registry = registry_, answering](const PersonState& state, absl::Time instant) {
    return PlanAnswer(registry, answering, state, instant);
  };
  absl::StatusOr<RecordedAct> act = co_await RecordAct(context, registry_.store, std::move(what), plan);
  CO_RETURN_IF_ERROR(act.status());
  // An entry that stays is passed over.
  storage::CommitRequest gone =
      RemoveDuty(context, {answering.institution, answering.person, v1::DUTY_KIND_ANSWER_ERASURE,
                           answering.notice, FromMicros(act->remembered.until())});
  const absl::StatusOr<storage::CommitResult> removed = co_await context.store.Commit(std::move(gone));
  (void)removed;
  v1::AnswerErasureNoticeResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
