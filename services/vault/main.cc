// relais-vault: papers that cannot be lost, that nobody reads whom she has not allowed, and that she can take
// away.
#include "services/vault/format/paper_keys.h"
#include "services/vault/rpc.h"

namespace {

// Most of the write-ahead log are papers, which are written out soon after: with a shorter one, or less room,
// each family of rows would be written out, and merged with all of its rows, every few hundred papers.
constexpr relais::rpc::StoreShape kStore{.wal_bytes = size_t{512} << 20, .write_buffer_percent = 75};

}  // namespace

int main(int argc, char** argv) {
  relais::vault::Settings settings;
  relais::rpc::ServiceDefinition definition;
  definition.name = "vault";
  definition.services = {"relais.vault.v1.DocumentService", "relais.vault.v1.ShareService",
                         "relais.vault.v1.HostService",     "relais.vault.v1.ExportService",
                         "relais.vault.v1.KeyService",      "relais.vault.v1.OperationService"};
  definition.max_streams = relais::vault::kMaxStreams;
  definition.store = kStore;
  definition.papers_ring = relais::vault::RingEpochKeys::kRingName;
  definition.opened = relais::vault::OpenedToPeers();
  definition.settings = [&](relais::Config& config) { settings = relais::vault::ReadSettings(config); };
  definition.bind = [&](relais::rpc::ServiceRuntime& runtime) {
    return relais::vault::Bind(runtime, settings);
  };
  return relais::rpc::RunService(argc, argv, definition);
}
