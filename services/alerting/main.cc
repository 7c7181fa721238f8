// relais-alerting: what happened, does it matter?
#include "services/alerting/rpc.h"

int main(int argc, char** argv) {
  relais::alerting::Settings settings;
  relais::rpc::ServiceDefinition definition;
  definition.name = "alerting";
  definition.services = {"relais.alerting.v1.SignalService", "relais.alerting.v1.AlertService"};
  definition.opened = relais::alerting::OpenedToPeers();
  definition.settings = [&](relais::Config& config) { settings = relais::alerting::ReadSettings(config); };
  definition.bind = [&](relais::rpc::ServiceRuntime& runtime) {
    return relais::alerting::Bind(runtime, settings);
  };
  return relais::rpc::RunService(argc, argv, definition);
}
