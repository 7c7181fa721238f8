// AuditService over gRPC, the same in every service.
#pragma once

#include <memory>

#include "common/rpc/audit_handlers.h"
#include "common/rpc/dispatch.h"
#include "grpcpp/impl/codegen/service_type.h"

namespace relais::rpc {

inline constexpr char kAuditServiceName[] = "relais.audit.v1.AuditService";

/// The dispatcher must know the service (AddService); both outlive the server.
std::unique_ptr<grpc::Service> MakeAuditService(Dispatcher& dispatcher, AuditHandlers& handlers);

}  // namespace relais::rpc
