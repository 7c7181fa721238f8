// relais-routing: who must get this, and has a human taken it?
#include "services/routing/rpc.h"

int main(int argc, char** argv) {
  relais::routing::Settings settings;
  relais::rpc::ServiceDefinition definition;
  definition.name = "routing";
  definition.services = {"relais.routing.v1.DirectoryService", "relais.routing.v1.ReferentService",
                         "relais.routing.v1.RoutingService", "relais.routing.v1.InboxService"};
  definition.opened = relais::routing::OpenedToPeers();
  definition.settings = [&](relais::Config& config) { settings = relais::routing::ReadSettings(config); };
  definition.bind = [&](relais::rpc::ServiceRuntime& runtime) {
    return relais::routing::Bind(runtime, settings);
  };
  return relais::rpc::RunService(argc, argv, definition);
}
