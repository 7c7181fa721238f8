// HoldService over gRPC, the same in every service.
#pragma once

#include <memory>

#include "common/rpc/dispatch.h"
#include "common/rpc/hold_handlers.h"
#include "grpcpp/impl/codegen/service_type.h"

namespace relais::rpc {

inline constexpr char kHoldServiceName[] = "relais.audit.v1.HoldService";

/// The dispatcher must know the service (AddService); both outlive the server.
std::unique_ptr<grpc::Service> MakeHoldService(Dispatcher& dispatcher, HoldHandlers& handlers);

}  // namespace relais::rpc
