// relais-consent: the consent registry's process.
#include "services/consent/rpc.h"

namespace {

constexpr int64_t kMostPermitSeconds = 600;
constexpr int64_t kMostCachedPersons = 10'000'000;

relais::consent::Settings ReadSettings(relais::Config& config) {
  relais::consent::Settings settings;
  settings.permit_life = absl::Seconds(
      config.Int("permit.seconds", absl::ToInt64Seconds(settings.permit_life), 1, kMostPermitSeconds));
  settings.cached_persons = static_cast<size_t>(
      config.Int("cache.persons", static_cast<int64_t>(settings.cached_persons), 0, kMostCachedPersons));
  settings.expiry_scan = config.Duration("expiry.scan", settings.expiry_scan);
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  relais::consent::Settings settings;
  relais::rpc::ServiceDefinition definition;
  definition.name = "consent";
  definition.services = {"relais.consent.v1.PersonService", "relais.consent.v1.ConsentService",
                         "relais.consent.v1.EmergencyService"};
  definition.opened = relais::consent::OpenedToPeers();
  definition.settings = [&settings](relais::Config& config) { settings = ReadSettings(config); };
  definition.bind = [&settings](relais::rpc::ServiceRuntime& runtime) {
    return relais::consent::Bind(runtime, settings);
  };
  return relais::rpc::RunService(argc, argv, definition);
}
