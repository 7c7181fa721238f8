// The client side of grpc.health.v1, whose two messages are written here wire-compatibly: their proto is not
// in every distribution.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace relais::cli {

enum class Health { kUnknown = 0, kServing = 1, kNotServing = 2, kServiceUnknown = 3 };

/// HealthCheckRequest{string service = 1}.
[[nodiscard]] std::string EncodeHealthRequest(std::string_view service);
/// HealthCheckResponse{ServingStatus status = 1}; INVALID_ARGUMENT for malformed bytes.
[[nodiscard]] absl::StatusOr<Health> DecodeHealthResponse(std::string_view bytes);
[[nodiscard]] std::string_view HealthName(Health health);

/// grpc.health.v1.Health/Check of the whole server, under the deadline and metadata of `context`. Errors as
/// rpc::FromGrpc.
[[nodiscard]] absl::StatusOr<Health> CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                                                 grpc::ClientContext& context);

}  // namespace relais::cli
