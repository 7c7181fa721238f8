// The vault on its machine: what its main.cc and rpc.cc wire, over the simulated network.
#include <utility>

#include "services/vault/format/paper_keys.h"
#include "services/vault/scanner.h"
#include "tests/sim/world.h"

namespace relais::sim {
namespace {

// What consent's tail shows the vault opened.
audit::Log::Wanted ShownToVault() {
  return [shown = consent::OpenedToPeers().at("vault")](audit::v1::EventClass event_class) {
    return shown.contains(event_class);
  };
}

}  // namespace

std::unique_ptr<vault::Service> World::MakeVault(const Node<vault::Service>::ProcessPtr& process) {
  const Route route{"vault", "consent", process->life};
  const rpc::Call call = CallOfService("vault");
  vault::Peers peers;
  peers.check = Peer<consent::Service, consent::v1::CheckRequest, consent::v1::CheckResponse>(
      &net_, route, consent_.get(), call,
      [](consent::Service& s) -> consent::CheckHandlers& { return s.checks(); },
      &consent::CheckHandlers::Check);
  peers.acknowledge_erasure =
      Peer<consent::Service, consent::v1::AcknowledgeErasureRequest, consent::v1::AcknowledgeErasureResponse>(
          &net_, route, consent_.get(), call,
          [](consent::Service& s) -> consent::ErasureHandlers& { return s.erasures(); },
          &consent::ErasureHandlers::AcknowledgeErasure);
  return std::make_unique<vault::Service>(
      *process->context, std::move(peers), vault::Settings(), paris_,
      std::make_unique<vault::RingEpochKeys>(vault_->ring(), random_), std::unique_ptr<vault::Scanner>(),
      std::make_unique<NetworkTail<consent::Service>>(net_, route, *consent_, ShownToVault()));
}

}  // namespace relais::sim
