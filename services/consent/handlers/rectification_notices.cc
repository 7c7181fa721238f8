#include "services/consent/handlers/rectification_notices.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "services/consent/convert.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/notice_answers.h"

namespace relais::consent {
namespace {

constexpr NoticeKind kNotice = {
    v1::DUTY_KIND_ANSWER_RECTIFICATION, audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED,
    "relais.consent.v1.ConsentService/AnswerRectificationNotice", RectificationDutyRow};

absl::Status CheckAnswer(const v1::AnswerRectificationNoticeRequest& request) {
  switch (request.outcome()) {
    case v1::RECTIFICATION_OUTCOME_KEPT:
    case v1::RECTIFICATION_OUTCOME_RECTIFIED:
    case v1::RECTIFICATION_OUTCOME_NOT_HELD:
      return CheckReasons(request.outcome() == v1::RECTIFICATION_OUTCOME_KEPT, request.reasons(),
                          "must say why the old is kept");
    default:
      return rpc::InvalidField("outcome", "is required");
  }
}

// Told to who rectified.
absl::Status WriteAnswer(const v1::AnswerRectificationNoticeRequest& request, v1::StoredDuty& duty,
                         audit::Event& event) {
  if (duty.rectification() == v1::RECTIFICATION_OUTCOME_RECTIFIED) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this notice was answered: rectified");
  }
  duty.set_rectification(request.outcome());
  v1::RectificationAnswered payload;
  payload.set_notice_id(request.notice_id());
  payload.set_outcome(request.outcome());
  payload.set_reasons(request.reasons());
  event.details.mutable_recipient()->set_institution(duty.rectified().institution());
  event.details.mutable_payload()->PackFrom(payload);
  return absl::OkStatus();
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
  CO_RETURN_IF_ERROR(CheckAnswer(request));
  NoticeAnswer answer = AnswerOf(kNotice, request);
  answer.write = [request](const std::string& /*institution*/, v1::StoredDuty& duty, audit::Event& event) {
    return WriteAnswer(request, duty, event);
  };
  absl::StatusOr<common::v1::Written> written =
      co_await AnswerNotice(registry_, std::move(call), std::move(answer));
  CO_RETURN_IF_ERROR(written.status());
  v1::AnswerRectificationNoticeResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::consent
