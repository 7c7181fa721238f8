#include "common/rpc/refusal.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace relais::rpc {
namespace {

constexpr char kReasonUrl[] = "relais/reason";
constexpr char kFieldsUrl[] = "relais/fields";
constexpr char kRetryUrl[] = "relais/retry_after_ms";
constexpr char kNextStepUrl[] = "relais/next_step";
constexpr std::string_view kReasonPrefix = "ERROR_REASON_";

std::string PayloadOf(const absl::Status& status, const char* url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  return payload ? std::string(*payload) : std::string();
}

absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string ReasonName(common::v1::ErrorReason reason) {
  if (reason == common::v1::ERROR_REASON_UNSPECIFIED) {
    return "";
  }
  const std::string& name = common::v1::ErrorReason_Name(reason);
  return name.substr(std::min(name.size(), kReasonPrefix.size()));
}

common::v1::ErrorReason ReasonFromName(std::string_view name) {
  common::v1::ErrorReason reason = common::v1::ERROR_REASON_UNSPECIFIED;
  if (!common::v1::ErrorReason_Parse(std::string(kReasonPrefix) + std::string(name), &reason)) {
    return common::v1::ERROR_REASON_UNSPECIFIED;
  }
  return reason;
}

void SetReason(absl::Status& status, common::v1::ErrorReason reason) {
  status.SetPayload(kReasonUrl, absl::Cord(ReasonName(reason)));
}

void SetFields(absl::Status& status, const google::rpc::BadRequest& fields) {
  status.SetPayload(kFieldsUrl, absl::Cord(fields.SerializeAsString()));
}

void SetRetryAfter(absl::Status& status, absl::Duration retry_after) {
  status.SetPayload(kRetryUrl, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(retry_after))));
}

absl::Status Refusal(absl::StatusCode code, common::v1::ErrorReason reason, std::string_view message) {
  absl::Status status(code, ToAbsl(message));
  SetReason(status, reason);
  return status;
}

absl::Status InvalidFields(const google::rpc::BadRequest& fields, common::v1::ErrorReason reason) {
  std::string message = reason == common::v1::ERROR_REASON_NIR_DETECTED
                            ? "a text holds a social security number (NIR), which may not be given:"
                            : "fields break their rules:";
  constexpr int kNamedInMessage = 5;
  for (int i = 0; i < std::min(fields.field_violations_size(), kNamedInMessage); ++i) {
    absl::StrAppend(&message, i == 0 ? " " : ", ", fields.field_violations(i).field());
  }
  if (fields.field_violations_size() > kNamedInMessage) {
    absl::StrAppend(&message, ", ...");
  }
  absl::Status status = Refusal(absl::StatusCode::kInvalidArgument, reason, message);
  SetFields(status, fields);
  return status;
}

absl::Status InvalidField(std::string_view field, std::string_view description) {
  google::rpc::BadRequest fields;
  auto* violation = fields.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  return InvalidFields(fields, common::v1::ERROR_REASON_INVALID_FIELDS);
}

absl::Status InvalidFieldFor(common::v1::ErrorReason reason, std::string_view field,
                             std::string_view description) {
  google::rpc::BadRequest fields;
  auto* violation = fields.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
  absl::Status status = Refusal(absl::StatusCode::kInvalidArgument, reason,
                                violation->field() + ": " + violation->description());
  SetFields(status, fields);
  return status;
}

google::rpc::BadRequest FieldsOf(const absl::Status& status) {
  google::rpc::BadRequest fields;
  if (!fields.ParseFromString(PayloadOf(status, kFieldsUrl))) {
    fields.Clear();
  }
  return fields;
}

absl::Status NoSuchOrNotYours() {
  return Refusal(absl::StatusCode::kNotFound, common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS,
                 "there is no such thing, or it is not yours");
}

absl::Status Overloaded(absl::Duration retry_after) {
  absl::Status status = Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                                "too many calls at once");
  SetRetryAfter(status, retry_after);
  return status;
}

absl::Status StoodStill(absl::Duration standing, absl::Duration retry_after) {
  absl::Status status = Refusal(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED,
                                absl::StrCat("next to nothing was taken or sent for ",
                                             absl::FormatDuration(standing), ": the stream is ended"));
  SetRetryAfter(status, retry_after);
  return status;
}

std::optional<absl::Duration> RetryAfterOf(const absl::Status& status) {
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(PayloadOf(status, kRetryUrl), &milliseconds)) {
    return std::nullopt;
  }
  return absl::Milliseconds(milliseconds);
}

absl::Status WithNextStep(absl::Status status, std::string_view next_step) {
  status.SetPayload(kNextStepUrl, absl::Cord(ToAbsl(next_step)));
  return status;
}

std::string NextStepOf(const absl::Status& status) { return PayloadOf(status, kNextStepUrl); }

common::v1::ErrorReason ReasonOf(const absl::Status& status) {
  return ReasonFromName(PayloadOf(status, kReasonUrl));
}

}  // namespace relais::rpc
