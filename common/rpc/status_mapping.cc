#include "common/rpc/status_mapping.h"

#include "common/rpc/refusal.h"
#include "google/protobuf/util/time_util.h"

namespace relais::rpc {
namespace {

using google::protobuf::util::TimeUtil;

constexpr char kDomain[] = "relais";
constexpr char kNextStep[] = "next_step";
constexpr char kCallId[] = "call_id";
constexpr absl::Duration kStoreRetry = absl::Milliseconds(200);

absl::Status Bare(absl::StatusCode code, common::v1::ErrorReason reason, const char* message) {
  return Refusal(code, reason, message);
}

void AddDetails(const absl::Status& status, std::string_view call_id, google::rpc::Status& out) {
  if (const common::v1::ErrorReason reason = ReasonOf(status); reason != 0) {
    google::rpc::ErrorInfo info;
    info.set_domain(kDomain);
    info.set_reason(ReasonName(reason));
    if (const std::string next_step = NextStepOf(status); !next_step.empty()) {
      (*info.mutable_metadata())[kNextStep] = next_step;
    }
    if (reason == common::v1::ERROR_REASON_INTERNAL && !call_id.empty()) {
      (*info.mutable_metadata())[kCallId] = std::string(call_id);
    }
    out.add_details()->PackFrom(info);
  }
  if (const google::rpc::BadRequest fields = FieldsOf(status); fields.field_violations_size() > 0) {
    out.add_details()->PackFrom(fields);
  }
  if (const std::optional<absl::Duration> delay = RetryAfterOf(status)) {
    google::rpc::RetryInfo retry;
    *retry.mutable_retry_delay() = TimeUtil::MillisecondsToDuration(absl::ToInt64Milliseconds(*delay));
    out.add_details()->PackFrom(retry);
  }
}

}  // namespace

absl::Status ForClient(const absl::Status& status) {
  if (status.ok() || ReasonOf(status) != common::v1::ERROR_REASON_UNSPECIFIED) {
    return status;
  }
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return absl::CancelledError("the call was cancelled");
    case absl::StatusCode::kDeadlineExceeded:
      return absl::DeadlineExceededError("the deadline passed");
    case absl::StatusCode::kResourceExhausted:
      return Overloaded(kStoreRetry);
    case absl::StatusCode::kUnavailable:
      return Bare(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_STORE_FAILED,
                  "this service cannot answer now");
    default:
      return Bare(absl::StatusCode::kInternal, common::v1::ERROR_REASON_INTERNAL,
                  "something that should not happen; the operators find it under the call's id");
  }
}

google::rpc::Status ToRpcStatus(const absl::Status& status, std::string_view call_id) {
  const absl::Status shown = ForClient(status);
  google::rpc::Status out;
  out.set_code(static_cast<int>(shown.code()));
  out.set_message(std::string(shown.message()));
  AddDetails(shown, call_id, out);
  return out;
}

grpc::Status ToGrpc(const absl::Status& status, std::string_view call_id) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  const google::rpc::Status out = ToRpcStatus(status, call_id);
  return {static_cast<grpc::StatusCode>(out.code()), out.message(), out.SerializeAsString()};
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return out;
  }
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest fields;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info) && info.domain() == kDomain) {
      SetReason(out, ReasonFromName(info.reason()));
      if (const auto at = info.metadata().find(kNextStep); at != info.metadata().end()) {
        out = WithNextStep(std::move(out), at->second);
      }
    } else if (detail.UnpackTo(&fields)) {
      SetFields(out, fields);
    } else if (detail.UnpackTo(&retry)) {
      SetRetryAfter(out, absl::Milliseconds(TimeUtil::DurationToMilliseconds(retry.retry_delay())));
    }
  }
  return out;
}

}  // namespace relais::rpc
