// relais-consent: the consent registry's process.
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "services/consent/retention_settings.h"
#include "services/consent/rpc.h"

namespace {

// None at all would tell by the time of an answer who is known (ADR 43): only tests have it.
constexpr absl::Duration kLeastRegisterTick = absl::Milliseconds(1);
constexpr absl::Duration kMostRegisterTick = absl::Seconds(1);
constexpr int64_t kMostPermitSeconds = 600;
constexpr int64_t kMostCachedPersons = 10'000'000;
constexpr int64_t kMostPackedMib = 1 << 20;

relais::consent::Settings ReadSettings(relais::Config& config) {
  relais::consent::Settings settings;
  settings.register_tick =
      config.Duration("register.tick", settings.register_tick, kLeastRegisterTick, kMostRegisterTick);
  settings.permit_life = absl::Seconds(
      config.Int("permit.seconds", absl::ToInt64Seconds(settings.permit_life), 1, kMostPermitSeconds));
  settings.cached_persons = static_cast<size_t>(
      config.Int("cache.persons", static_cast<int64_t>(settings.cached_persons), 0, kMostCachedPersons));
  settings.packed_bytes =
      static_cast<size_t>(config.Int("cache.packed_mib", static_cast<int64_t>(settings.packed_bytes >> 20), 0,
                                     kMostPackedMib))
      << 20;
  settings.expiry_scan = config.Duration("expiry.scan", settings.expiry_scan);
  settings.links = config.Bool("links.enabled", settings.links);
  settings.notices_required = config.Bool("notices.required", settings.notices_required);
  settings.probe_interval = config.Duration("lease.probe_interval", settings.probe_interval);
  settings.retention = relais::consent::ReadRetention(config);
  const std::string places =
      config.String("receipt.storage_locations", absl::StrJoin(settings.storage_locations, ","));
  settings.storage_locations = absl::StrSplit(places, absl::ByAnyChar(", "), absl::SkipEmpty());
  return settings;
}

// The services that follow this log: an erasure waits until each of them has done its part.
std::set<std::string> Followers(relais::Config& config) {
  const std::string names = config.String("erasure.wait_for", "routing,alerting,vault");
  std::set<std::string> followers;
  for (const auto name : absl::StrSplit(names, ',', absl::SkipWhitespace())) {
    followers.insert(std::string(absl::StripAsciiWhitespace(name)));
  }
  return followers;
}

}  // namespace

int main(int argc, char** argv) {
  relais::consent::Settings settings;
  relais::rpc::ServiceDefinition definition;
  definition.name = "consent";
  definition.services = {"relais.consent.v1.PersonService", "relais.consent.v1.ConsentService",
                         "relais.consent.v1.EmergencyService", "relais.consent.v1.RightsService"};
  definition.opened = relais::consent::OpenedToPeers();
  definition.settings = [&settings, &definition](relais::Config& config) {
    settings = ReadSettings(config);
    definition.erasure_waits_for = Followers(config);
  };
  definition.bind = [&settings](relais::rpc::ServiceRuntime& runtime) {
    return relais::consent::Bind(runtime, settings);
  };
  return relais::rpc::RunService(argc, argv, definition);
}
