// The one place where our statuses become gRPC's and back, and where backend text stops.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace relais::rpc {

/// What a client is told. A status with a reason passes with its code, message, reason, fields, delay and
/// next step. One without comes from below: RESOURCE_EXHAUSTED becomes OVERLOADED, UNAVAILABLE STORE_FAILED,
/// CANCELLED and DEADLINE_EXCEEDED stay, all others become INTERNAL; none keeps its text.
absl::Status ForClient(const absl::Status& status);

/// ForClient as google.rpc.Status with ErrorInfo (domain "relais"), BadRequest, RetryInfo. `call_id` goes
/// with INTERNAL, so that an operator finds the line in the log.
google::rpc::Status ToRpcStatus(const absl::Status& status, std::string_view call_id);
/// The same, with the details in grpc-status-details-bin.
grpc::Status ToGrpc(const absl::Status& status, std::string_view call_id);
/// What a server answered: reason, fields, delay and next step as payloads, when it is a server of this
/// suite.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace relais::rpc
