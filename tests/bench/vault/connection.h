// How the measurements reach the vault, and in the very same way what stands in for it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace relais::bench {

struct VaultSuite {
  std::string consent;  // host:port
  std::string vault;
  std::string pki;
  std::string trust_domain = "relais.test";
};

/// A connection of its own to `service` at `target`, as a system of an institution, established before it is
/// returned: no handshake is measured. The channel's arguments are those of the suite's services
/// (rpc::MakeChannel), so what stands in for the vault is read and written with the vault's. UNAVAILABLE,
/// NOT_FOUND.
absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(const VaultSuite& suite, const std::string& target,
                                                       const std::string& service,
                                                       const std::string& institution,
                                                       const std::string& system);

/// Deadline and metadata of a call.
void PrepareCall(grpc::ClientContext& context, std::chrono::seconds deadline = std::chrono::seconds(60));

}  // namespace relais::bench
