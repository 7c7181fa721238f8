// MaintenanceService over gRPC, the same in every service.
#pragma once

#include <memory>
#include <string>

#include "common/rpc/dispatch.h"
#include "common/rpc/maintenance_handlers.h"
#include "grpcpp/impl/codegen/service_type.h"

namespace relais::storage {
class RocksDbStore;
}  // namespace relais::storage

namespace relais::rpc {

inline constexpr char kMaintenanceServiceName[] = "relais.audit.v1.MaintenanceService";

/// The dispatcher must know the service (AddService); both outlive the server.
std::unique_ptr<grpc::Service> MakeMaintenanceService(Dispatcher& dispatcher, MaintenanceHandlers& handlers);

/// Backups of this store in a folder; none when `folder` is empty.
Backups BackupsOf(storage::RocksDbStore& store, const std::string& folder);

}  // namespace relais::rpc
