#include "services/consent/handlers/rectification_notices.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "services/consent/convert.h"
#include "services/consent/duties.h"

namespace relais::consent {
namespace {

constexpr char kAnswer[] = "relais.consent.v1.ConsentService/AnswerRectificationNotice";

absl::Status CheckAnswer(const v1::AnswerRectificationNoticeRequest& request) {
  switch (request.outcome()) {
    case v1::RECTIFICATION_OUTCOME_KEPT:
      return request.reasons().empty() ? rpc::InvalidField("reasons", "must say why the old is kept")
                                       : absl::OkStatus();
    case v1::RECTIFICATION_OUTCOME_RECTIFIED:
    case v1::RECTIFICATION_OUTCOME_NOT_HELD:
      return request.reasons().empty() ? absl::OkStatus()
                                       : rpc::InvalidField("reasons", "only of what is kept");
    default:
      return rpc::InvalidField("outcome", "is required");
  }
}

struct Answering {
  v1::AnswerRectificationNoticeRequest request;
  Id128 person;
  Id128 notice;
  std::string institution;
  audit::Event event;
};

absl::StatusOr<PlannedAct> PlanAnswer(Registry& registry, const Answering& answering,
                                      const PersonState& state, absl::Time instant) {
  const std::string row = RectificationDutyRow(answering.institution, answering.notice);
  v1::StoredDuty duty;
  ASSIGN_OR_RETURN(const bool told, registry.store.OpenRowOfName(answering.person, row, duty));
  if (!told) {
    return rpc::NoSuchOrNotYours();
  }
  if (duty.rectification() == v1::RECTIFICATION_OUTCOME_RECTIFIED) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this notice was answered: rectified");
  }
  duty.set_met(Micros(instant));
  duty.set_rectification(answering.request.outcome());
  v1::RectificationAnswered payload;
  payload.set_notice_id(answering.request.notice_id());
  payload.set_outcome(answering.request.outcome());
  payload.set_reasons(answering.request.reasons());
  PlannedAct act;
  act.state = state;
  act.event = answering.event;
  act.event.details.mutable_recipient()->set_institution(duty.rectified().institution());
  act.event.details.mutable_payload()->PackFrom(payload);
  act.remembered.set_event_id(act.event.event_id.ToBytes());
  act.remembered.set_until(duty.due());
  ASSIGN_OR_RETURN(storage::Mutation mutation, registry.store.WriteSealed(answering.person, row, duty));
  act.rows.push_back(std::move(mutation));
  return act;
}

}  // namespace

Id128 RectificationNoticeId(const Id128& act, const Id128& person, std::string_view institution) {
  const std::string digest = crypto::Sha256(absl::StrCat("relais rectification notice v1", act.ToBytes(),
                                                         person.ToBytes(), std::string(institution)));
  return *Id128::FromBytes(digest.substr(0, Id128::kSize));
}

absl::Status NotifyOfRectification(Registry& registry, const Rectification& what,
                                   const std::string& recipient, PlannedAct& act) {
  const NoticeTimes times = TimesOfNotice(registry.paris, what.instant);
  const DutyName duty{recipient, what.person, v1::DUTY_KIND_ANSWER_RECTIFICATION,
                      RectificationNoticeId(what.event.event_id, what.person, recipient), times.due};
  v1::StoredDuty stored;
  stored.set_id(duty.id.ToBytes());
  stored.set_since(Micros(times.since));
  stored.set_due(Micros(duty.due));
  stored.mutable_rectified()->set_institution(what.said.institution());
  *stored.mutable_rectified()->mutable_fields() = what.said.fields();
  ASSIGN_OR_RETURN(storage::Mutation row,
                   registry.store.WriteSealed(what.person, RectificationDutyRow(recipient, duty.id), stored));
  act.rows.push_back(std::move(row));
  act.first.push_back(AddDuty(registry.context, duty));
  v1::RecordRectified own = what.said;
  own.clear_to_tell();
  own.add_to_tell(recipient);
  own.set_notice_id(duty.id.ToHex());
  *own.mutable_due() = TimeTo(duty.due);
  audit::Event told = what.event;
  told.details.mutable_recipient()->set_institution(recipient);
  told.details.mutable_payload()->PackFrom(own);
  act.also.push_back(std::move(told));
  return absl::OkStatus();
}

Task<absl::StatusOr<v1::AnswerRectificationNoticeResponse>>
RectificationNoticeHandlers::AnswerRectificationNotice(rpc::Call call,
                                                       v1::AnswerRectificationNoticeRequest request) {
  const rpc::ServiceContext& context = registry_.context;
  Answering answering;
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  answering.institution = actor.institution;
  CO_ASSIGN_OR_RETURN(answering.person, rpc::PersonOf(context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(answering.notice, Id128::FromHex(request.notice_id()));
  CO_RETURN_IF_ERROR(CheckAnswer(request));
  answering.event =
      rpc::EventOf(call, actor, audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED, request.request_id());
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
      RemoveDuty(context, {answering.institution, answering.person, v1::DUTY_KIND_ANSWER_RECTIFICATION,
                           answering.notice, FromMicros(act->remembered.until())});
  const absl::StatusOr<storage::CommitResult> removed = co_await context.store.Commit(std::move(gone));
  (void)removed;
  v1::AnswerRectificationNoticeResponse response;
  *response.mutable_written() = std::move(act->written);
  co_return response;
}

}  // namespace relais::consent
