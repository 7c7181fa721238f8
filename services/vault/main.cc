// relais-vault: papers that cannot be lost, that nobody reads whom she has not allowed, and that she can take
// away.
#include "services/vault/format/paper_keys.h"
#include "services/vault/rpc.h"

int main(int argc, char** argv) {
  relais::vault::Settings settings;
  relais::rpc::ServiceDefinition definition;
  definition.name = "vault";
  definition.services = {"relais.vault.v1.DocumentService", "relais.vault.v1.ShareService",
                         "relais.vault.v1.HostService",     "relais.vault.v1.ExportService",
                         "relais.vault.v1.KeyService",      "relais.vault.v1.OperationService"};
  definition.max_streams = relais::vault::kMaxStreams;
  definition.papers_ring = relais::vault::RingEpochKeys::kRingName;
  definition.opened = relais::vault::OpenedToPeers();
  definition.settings = [&](relais::Config& config) { settings = relais::vault::ReadSettings(config); };
  definition.bind = [&](relais::rpc::ServiceRuntime& runtime) {
    return relais::vault::Bind(runtime, settings);
  };
  return relais::rpc::RunService(argc, argv, definition);
}
