// Builds a consent registry at size (docs/performance.md, "The registry at size").
//
//   bench_registry_build build --config DIR/consent/config.yaml [--set key=value]... --handles FILE
//                              [--persons N] [--agreements N] [--threads N] [--no-index]
//   bench_registry_build forget --config DIR/consent/config.yaml [--set key=value]...
//
// `forget` drops the store's files from the page cache. Prints one `name value` a line. Exit: 0; 1 when
// something failed.
#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "common/base/config.h"
#include "common/base/status.h"
#include "common/rpc/process.h"
#include "tests/bench/page_cache.h"
#include "tests/bench/registry_build.h"

namespace {

struct Options {
  std::string config;
  std::vector<std::string> overrides;
  relais::bench::RegistryPlan plan;
  bool no_index = false;
};

void Tell(const std::string& name, double value) {
  std::cout << name << ' ' << std::fixed << std::setprecision(0) << value << std::endl;
}

absl::Status ReadConfig(Options& options) {
  // The service's own settings are not looked at, so that they may be there: no Finish.
  ASSIGN_OR_RETURN(relais::Config config, relais::Config::Load(options.config, options.overrides));
  options.plan.settings = relais::rpc::ReadSettings(config);
  return relais::rpc::CheckFiles(options.plan.settings);
}

absl::Status Build(const Options& options) {
  ASSIGN_OR_RETURN(const relais::bench::BuiltRegistry built, relais::bench::BuildRegistry(options.plan));
  Tell("persons", static_cast<double>(options.plan.persons));
  Tell("agreements", static_cast<double>(options.plan.agreements));
  Tell("leaves", static_cast<double>(built.leaves));
  Tell("row_mb", static_cast<double>(built.bytes) / 1e6);
  Tell("build_s", built.seconds);
  if (options.no_index) {
    return absl::OkStatus();
  }
  const absl::Time begin = absl::Now();
  ASSIGN_OR_RETURN(const uint64_t indexed, relais::bench::IndexRegistry(options.plan.settings));
  Tell("indexed", static_cast<double>(indexed));
  Tell("index_s", absl::ToDoubleSeconds(absl::Now() - begin));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.plan.persons = 3'000'000;
  options.plan.agreements = 10'000'000;
  CLI::App app("Builds a consent registry at size");
  app.require_subcommand(1);
  CLI::App* build = app.add_subcommand("build", "Builds it");
  CLI::App* forget = app.add_subcommand("forget", "Drops its files from the page cache");
  for (CLI::App* command : {build, forget}) {
    command->add_option("--config", options.config, "The service's settings")->required();
    command->add_option("--set", options.overrides, "key=value, over the settings");
  }
  build->add_option("--handles", options.plan.handles_path, "Where handles are written")->required();
  build->add_option("--persons", options.plan.persons, "Persons")->check(CLI::PositiveNumber);
  build->add_option("--agreements", options.plan.agreements, "Agreements")->check(CLI::PositiveNumber);
  build->add_option("--threads", options.plan.threads, "Threads")->check(CLI::Range(1, 64));
  build->add_flag("--no-index", options.no_index, "Leave the log's indexes to the service");
  CLI11_PARSE(app, argc, argv);
  absl::Status status = relais::rpc::ConfigureProcess();
  if (status.ok()) {
    status = ReadConfig(options);
  }
  if (status.ok() && build->parsed()) {
    status = Build(options);
  } else if (status.ok()) {
    relais::bench::ForgetPages(options.plan.settings.store_path);
  }
  if (!status.ok()) {
    std::cerr << "bench_registry_build: " << status << '\n';
    return 1;
  }
  return 0;
}
