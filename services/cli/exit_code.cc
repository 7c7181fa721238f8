#include "services/cli/exit_code.h"

#include "common/rpc/call.h"

namespace relais::cli {

int ExitCodeOf(const absl::Status& status) {
  if (rpc::ReasonOf(status) == common::v1::ERROR_REASON_NOT_PERMITTED) {
    return kExitNotPermitted;
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kCancelled:
      return kExitIncomplete;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return kExitUnavailable;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kExitNotAuthorised;
    default:
      return kExitFailed;
  }
}

}  // namespace relais::cli
