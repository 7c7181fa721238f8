#include "services/consent/handlers/erasure_notice_handlers.h"

#include <utility>

#include "common/base/status.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/duties.h"
#include "services/consent/handlers/erased_notice_answers.h"
#include "services/consent/handlers/notice_answers.h"

namespace relais::consent {
namespace {

constexpr NoticeKind kNotice = {v1::DUTY_KIND_ANSWER_ERASURE, audit::v1::EVENT_CLASS_ERASURE_ANSWERED,
                                "relais.consent.v1.ConsentService/AnswerErasureNotice", ErasureDutyRow};

absl::Status CheckAnswer(const v1::AnswerErasureNoticeRequest& request) {
  switch (request.outcome()) {
    case v1::ERASURE_OUTCOME_KEPT:
    case v1::ERASURE_OUTCOME_ERASED:
    case v1::ERASURE_OUTCOME_NOT_HELD:
      return CheckReasons(request.outcome() == v1::ERASURE_OUTCOME_KEPT, request.reasons(),
                          "must say on which ground it is kept");
    default:
      return rpc::InvalidField("outcome", "is required");
  }
}

absl::Status WriteAnswer(const v1::AnswerErasureNoticeRequest& request, const std::string& institution,
                         v1::StoredDuty& duty, audit::Event& event) {
  if (duty.outcome() == v1::ERASURE_OUTCOME_ERASED) {
    return rpc::Refusal(absl::StatusCode::kFailedPrecondition, common::v1::ERROR_REASON_WRONG_STATE,
                        "this notice was answered: erased");
  }
  duty.set_outcome(request.outcome());
  v1::ErasureAnswered payload;
  payload.set_notice_id(request.notice_id());
  payload.set_outcome(request.outcome());
  payload.set_reasons(request.reasons());
  event.details.mutable_recipient()->set_institution(institution);
  event.details.mutable_payload()->PackFrom(payload);
  return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<v1::AnswerErasureNoticeResponse>> ErasureNoticeHandlers::AnswerErasureNotice(
    rpc::Call call, v1::AnswerErasureNoticeRequest request) {
  CO_RETURN_IF_ERROR(CheckAnswer(request));
  CO_ASSIGN_OR_RETURN(const bool of_an_erasure, IsOfAnErasure(registry_, call, request));
  absl::StatusOr<common::v1::Written> written = absl::UnknownError("not answered");
  if (of_an_erasure) {
    written = co_await AnswerErasedNotice(registry_, std::move(call), std::move(request));
  } else {
    NoticeAnswer answer = AnswerOf(kNotice, request);
    answer.write = [request](const std::string& institution, v1::StoredDuty& duty, audit::Event& event) {
      return WriteAnswer(request, institution, duty, event);
    };
    written = co_await AnswerNotice(registry_, std::move(call), std::move(answer));
  }
  CO_RETURN_IF_ERROR(written.status());
  v1::AnswerErasureNoticeResponse response;
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::consent
