#include "common/rpc/settings.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <iostream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/rpc/handle_settings.h"

namespace relais::rpc {
namespace {

constexpr int64_t kMostCacheMib = 1 << 16;
constexpr int64_t kMostThreads = 64;
constexpr int64_t kMostCachedKeys = 100'000'000;
constexpr int64_t kMostCalls = 100'000;
constexpr int64_t kMostMisses = 1'000'000'000;
constexpr int64_t kMostPercent = 100;
constexpr int64_t kMostFreeMib = int64_t{1} << 40;
constexpr int kMibBits = 20;

absl::StatusOr<Flags::TestClock> ParseTestClock(const std::string& text) {
  const size_t comma = text.find(',');
  Flags::TestClock clock;
  std::string error;
  if (comma == std::string::npos ||
      !absl::ParseTime(absl::RFC3339_full, text.substr(0, comma), &clock.start, &error) ||
      !absl::ParseTime(absl::RFC3339_full, text.substr(comma + 1), &clock.real, &error)) {
    return absl::InvalidArgumentError("--test-clock wants two RFC 3339 instants, START,REAL");
  }
  return clock;
}

// A mark that nobody set does not stand in the way of the other.
storage::DiskMarks ReadDiskMarks(Config& config) {
  const int64_t percent = config.Int("disk.first_used_percent", 85, 0, kMostPercent);
  const int64_t free_mib = config.Int("disk.first_free_mib", 10'240, 0, kMostFreeMib);
  const int64_t second_percent =
      config.Int("disk.second_used_percent", std::max<int64_t>(95, percent), percent, kMostPercent);
  const int64_t second_mib =
      config.Int("disk.second_free_mib", std::min<int64_t>(2'048, free_mib), 0, free_mib);
  const auto mark = [](int64_t used, int64_t mib) {
    return storage::DiskMark{static_cast<int>(used), static_cast<uint64_t>(mib) << kMibBits};
  };
  return {mark(percent, free_mib), mark(second_percent, second_mib)};
}

}  // namespace

absl::StatusOr<Flags> ParseFlags(int argc, const char* const* argv, const std::string& service) {
  Flags flags;
  std::string test_clock;
  CLI::App app("The " + service + " service of Relais.", "relais-" + service);
  app.footer("Example: relais-" + service + " --config " + service + ".yaml --set listen=127.0.0.1:7001");
  app.set_version_flag("--version", "relais-" + service + " " RELAIS_VERSION);
  app.add_option("--config", flags.config, "settings, YAML")->required();
  app.add_option("--set", flags.overrides, "one setting, key=value; wins over file and environment")
      ->take_all();
  app.add_flag("--check-config", flags.check_config,
               "read the settings, say whether they are right, and end");
  app.add_flag("--accept-loss", flags.accept_loss,
               "the store lost leaves that were given out: go on under audit.origin, which must be the next "
               "epoch");
  std::vector<std::string> rebuild;
  app.add_option("--rebuild", rebuild, "follow that peer's log from the start again")->take_all();
  app.add_flag("--test-mode", flags.test_mode, "mark everything written as a test");
  app.add_option("--test-clock", test_clock, "START,REAL: show START at the instant REAL; needs --test-mode");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    if (app.exit(error, text, text) == 0) {
      std::cout << text.str();
      return absl::CancelledError("help");
    }
    return absl::InvalidArgumentError(text.str());
  }
  flags.rebuild = {rebuild.begin(), rebuild.end()};
  if (!test_clock.empty()) {
    if (!flags.test_mode) {
      return absl::InvalidArgumentError("--test-clock needs --test-mode");
    }
    ASSIGN_OR_RETURN(flags.test_clock, ParseTestClock(test_clock));
  }
  return flags;
}

Settings ReadSettings(Config& config) {
  Settings settings;
  settings.listen = config.String("listen");
  settings.metrics_listen = config.String("metrics.listen", "");
  settings.tls = {config.String("tls.certificate"), config.String("tls.key"), config.String("tls.roots")};
  settings.institutions_ca = config.String("tls.institutions_ca");
  settings.services_ca = config.String("tls.services_ca");
  settings.foreign_ca = config.String("tls.foreign_ca", "");
  settings.store_path = config.String("store.path");
  settings.store_cache_mib = config.Int("store.cache_mib", 64, 1, kMostCacheMib);
  settings.cached_keys = config.Int("store.cached_keys", 100'000, 1, kMostCachedKeys);
  settings.disk = ReadDiskMarks(config);
  settings.ring = config.String("keys.ring");
  settings.ring_master = config.String("keys.master");
  settings.handles = ReadHandlePolicy(config);
  settings.audit_ring = config.String("audit.ring");
  settings.audit_master = config.String("audit.master");
  settings.ring_copy = config.String("audit.ring_copy", "");
  settings.signer_key = config.String("audit.signer_key");
  settings.next_signer_key = config.String("audit.next_signer_key", "");
  settings.origin = config.String("audit.origin");
  settings.published = config.String("audit.published");
  settings.erasure_journal = config.String("audit.erasure_journal", settings.published + ".erasures");
  settings.agent_names_months = config.Months("audit.agent_names_months", 12);
  settings.epoch_length = config.Duration("audit.epoch", absl::Hours(720));
  settings.sweep_every = config.Duration("retention.every", absl::Hours(24));
  settings.backup_folder = config.String("backup.folder", "");
  settings.rebuild_indexes = config.Bool("audit.rebuild_indexes", false);
  settings.directory_file = config.String("directory.file");
  settings.root_keys = config.String("directory.root_keys");
  settings.retired_root_keys = config.String("directory.retired_root_keys", "");
  settings.directory_state = config.String("directory.state");
  for (const std::string& peer : config.Children("peers")) {
    settings.peers[peer] = config.String("peers." + peer + ".target");
  }
  settings.lease = config.Duration("lease.duration", absl::Seconds(2));
  settings.standing =
      config.Duration("streams.standing", absl::Minutes(5), absl::Seconds(1), absl::Hours(24));
  settings.drain = config.Duration("drain", absl::Seconds(10));
  settings.threads = static_cast<int>(config.Int("threads", 3, 1, kMostThreads));
  settings.max_calls = static_cast<int>(config.Int("max_calls", 1024, 1, kMostCalls));
  settings.misses = static_cast<uint64_t>(config.Int("limits.misses", 250'000, 1, kMostMisses));
  settings.misses_window = config.Duration("limits.misses_window", absl::Hours(24));
  settings.reflection = config.Bool("reflection", false);
  return settings;
}

absl::Status CheckFiles(const Settings& settings) {
  const std::pair<const char*, const std::string*> files[] = {
      {"tls.certificate", &settings.tls.certificate},
      {"tls.key", &settings.tls.key},
      {"tls.roots", &settings.tls.roots},
      {"tls.institutions_ca", &settings.institutions_ca},
      {"tls.services_ca", &settings.services_ca},
      {"tls.foreign_ca", &settings.foreign_ca},
      {"keys.ring", &settings.ring},
      {"keys.master", &settings.ring_master},
      {"audit.master", &settings.audit_master},
      {"audit.signer_key", &settings.signer_key},
      {"audit.next_signer_key", &settings.next_signer_key},
      {"directory.file", &settings.directory_file},
      {"directory.root_keys", &settings.root_keys},
      {"directory.retired_root_keys", &settings.retired_root_keys},
  };
  std::vector<std::string> wrong;
  for (const auto& [setting, path] : files) {
    if (!path->empty() && access(path->c_str(), R_OK) != 0) {
      wrong.push_back(absl::StrCat(setting, ": ", *path, ": ",
                                   std::error_code(errno, std::generic_category()).message()));
    }
  }
  return wrong.empty() ? absl::OkStatus() : absl::FailedPreconditionError(absl::StrJoin(wrong, "; "));
}

}  // namespace relais::rpc
