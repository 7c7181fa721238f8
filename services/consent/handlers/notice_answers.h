// What a recipient did about a notice that it owes an answer to (RGPD art. 12, 19; D-2.7): the part that
// notices to erase and notices of a rectification share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/audit/event.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "relais/common/v1/types.pb.h"
#include "relais/consent/v1/state.pb.h"
#include "services/consent/handlers/record_act.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// The kind of a notice, and where it stands: constants of its handlers.
struct NoticeKind {
  v1::DutyKind duty = v1::DUTY_KIND_UNSPECIFIED;
  audit::v1::EventClass answered = audit::v1::EVENT_CLASS_UNSPECIFIED;
  std::string_view method;  // full name
  std::string (*row)(std::string_view institution, const Id128& notice) = nullptr;
};

struct NoticeAnswer {
  NoticeKind kind;
  common::v1::PersonRef person;
  std::string notice_id;
  std::string request_id;
  std::shared_ptr<const google::protobuf::Message> content;
  bool want_proof = false;
  /// Writes the answer into the duty and the event, its recipient too, or refuses it.
  std::function<absl::Status(const std::string& institution, v1::StoredDuty& duty, audit::Event& event)>
      write;
};

/// What a request to answer has in common; `write` is left to its handler.
template <typename Request>
NoticeAnswer AnswerOf(const NoticeKind& kind, const Request& request) {
  NoticeAnswer answer;
  answer.kind = kind;
  answer.person = request.person();
  answer.notice_id = request.notice_id();
  answer.request_id = request.request_id();
  answer.content = ContentOf(request);
  answer.want_proof = request.want_proof();
  return answer;
}

/// `reasons` belong to what is kept, and to nothing else; `kept_without` says what is missing of one kept
/// without any.
[[nodiscard]] absl::Status CheckReasons(bool kept, const std::string& reasons, std::string_view kept_without);

/// Answers for the caller's own institution alone: NO_SUCH_OR_NOT_YOURS for a notice to another. On OK it is
/// durable, and the institution owes it no more.
Task<absl::StatusOr<common::v1::Written>> AnswerNotice(Registry& registry, rpc::Call call,
                                                       NoticeAnswer answer);

}  // namespace relais::consent
