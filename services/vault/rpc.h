// Binds the vault to gRPC: the only file of it that knows gRPC.
#pragma once

#include <memory>

#include "common/base/config.h"
#include "common/rpc/runtime.h"
#include "services/vault/settings.h"

namespace relais::vault {

/// The service's own settings; see docs/operate.md.
Settings ReadSettings(Config& config);

/// What peers see opened of this service's log.
rpc::OpenedTable OpenedToPeers();

absl::StatusOr<std::unique_ptr<rpc::BoundService>> Bind(rpc::ServiceRuntime& runtime, const Settings& given);

}  // namespace relais::vault
