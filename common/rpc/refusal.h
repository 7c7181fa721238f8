// What a refusal carries beside its code and message: kept as payloads of absl::Status inside the suite, as
// google.rpc details on the wire (status_mapping.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/rpc/call.h"
#include "google/rpc/error_details.pb.h"

namespace relais::rpc {

/// INVALID_ARGUMENT about several fields at once.
absl::Status InvalidFields(const google::rpc::BadRequest& fields, common::v1::ErrorReason reason);
/// INVALID_ARGUMENT about one field path for a reason that has a name of its own (NOT_YOUR_HANDLE,
/// UNKNOWN_CODE). The message says both; neither may quote input.
absl::Status InvalidFieldFor(common::v1::ErrorReason reason, std::string_view field,
                             std::string_view description);
/// The fields a status names; empty when it names none.
google::rpc::BadRequest FieldsOf(const absl::Status& status);

/// RESOURCE_EXHAUSTED / OVERLOADED: come back after `retry_after`.
absl::Status Overloaded(absl::Duration retry_after);
/// The same of a stream that has had a place for so long and did nothing with it.
absl::Status StoodStill(absl::Duration standing, absl::Duration retry_after);
/// Nullopt when the status does not say.
std::optional<absl::Duration> RetryAfterOf(const absl::Status& status);

/// The same refusal with what the caller can do instead, for a human to read. No input may be quoted.
absl::Status WithNextStep(absl::Status status, std::string_view next_step);
/// Empty when the status does not say.
std::string NextStepOf(const absl::Status& status);

/// "OVERLOADED" for ERROR_REASON_OVERLOADED: as ErrorInfo.reason has it. "" for UNSPECIFIED.
std::string ReasonName(common::v1::ErrorReason reason);
/// UNSPECIFIED for an unknown name.
common::v1::ErrorReason ReasonFromName(std::string_view name);

/// Attaches a reason, fields, a delay or a next step as they came over the wire.
void SetReason(absl::Status& status, common::v1::ErrorReason reason);
void SetFields(absl::Status& status, const google::rpc::BadRequest& fields);
void SetRetryAfter(absl::Status& status, absl::Duration retry_after);

}  // namespace relais::rpc
