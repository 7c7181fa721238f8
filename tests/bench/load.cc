// Measures calls against their ceilings, all in one run (docs/performance.md).
//
//   bench_load --echo HOST:PORT --consent HOST:PORT --pki DIR/pki [--json FILE]
//
// The echo and each load take turns, round after round, so that what else the machine does meets all alike.
// Exit: 0; 1 when it cannot run; 3 when a call failed or a mark was missed.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/rpc/process.h"
#include "tests/bench/report.h"
#include "tests/bench/workloads.h"

namespace {

using relais::bench::Among;
using relais::bench::Figure;
using relais::bench::Loop;
using relais::bench::Report;
using relais::bench::Series;
using relais::bench::Workloads;

constexpr double kDryRunMark = 0.60;
constexpr double kRecordedMark = 0.40;
constexpr int kExitMissed = 3;

struct Options {
  relais::bench::Suite suite;
  int in_flight = 64;
  int rounds = 3;
  double seconds = 5;
  double warm_up = 1;
  uint64_t persons = 10'000;
  uint64_t hot = 100;
  std::vector<std::string> only;
  std::string raw_folder;
  std::string json;
};

CLI::App& Declare(CLI::App& app, Options& options) {
  options.suite.trust_domain = "relais.test";
  app.add_option("--echo", options.suite.echo, "host:port of bench_echo")->required();
  app.add_option("--consent", options.suite.consent, "host:port of relais-consent")->required();
  app.add_option("--pki", options.suite.pki, "Folder of the development PKI")->required();
  app.add_option("--trust-domain", options.suite.trust_domain, "The suite's");
  app.add_option("--channels", options.suite.channels, "Connections")->check(CLI::Range(1, 64));
  app.add_option("--in-flight", options.in_flight, "Calls at once")->check(CLI::Range(1, 4096));
  app.add_option("--rounds", options.rounds, "Rounds of each load")->check(CLI::Range(1, 100));
  app.add_option("--seconds", options.seconds, "Measured time of a round")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up, "Time before it, in seconds")->check(CLI::NonNegativeNumber);
  app.add_option("--persons", options.persons, "Persons registered first")->check(CLI::Range(1, 10'000'000));
  app.add_option("--hot", options.hot, "Persons of the hot set")->check(CLI::Range(1, 10'000'000));
  app.add_option("--only", options.only, "Of: dry hot recorded agree (repeatable; default all)")
      ->check(CLI::IsMember({"dry", "hot", "recorded", "agree"}));
  app.add_option("--raw-folder", options.raw_folder, "Where RocksDB is measured alone; none: it is not");
  app.add_option("--json", options.json, "Writes the report there too");
  return app;
}

// A load that can be run again and again.
struct Load {
  std::string key;
  Series series;
  std::function<Figure(const std::string& name, const Loop& loop)> run;
};

std::vector<Load> LoadsOf(const Options& options, Workloads& workloads) {
  const Among all{};
  const Among hot{std::min(options.hot, options.persons)};
  const auto check = [&workloads](Among among, bool dry_run) {
    return [&workloads, among, dry_run](const std::string& name, const Loop& loop) {
      return workloads.Check(name, loop, among, dry_run);
    };
  };
  std::vector<Load> loads;
  loads.push_back({"dry", {"Check, dry run", {}, {}, kDryRunMark}, check(all, true)});
  loads.push_back({"hot", {"Check, dry run, hot set", {}, {}, 0}, check(hot, true)});
  loads.push_back({"recorded", {"Check, recorded", {}, {}, kRecordedMark}, check(all, false)});
  loads.push_back(
      {"agree", {"RecordConsent", {}, {}, 0}, [&workloads, all](const std::string& name, const Loop& loop) {
         return workloads.RecordConsent(name, loop, all);
       }});
  const std::set<std::string> wanted(options.only.begin(), options.only.end());
  if (!wanted.empty()) {
    loads.erase(std::remove_if(loads.begin(), loads.end(),
                               [&](const Load& load) { return wanted.count(load.key) == 0; }),
                loads.end());
  }
  return loads;
}

absl::Status MeasureRawOf(const Options& options, const relais::bench::Sizes& sizes, Load& load) {
  relais::bench::RawLoad raw;
  raw.folder = options.raw_folder;
  raw.duration = absl::Seconds(options.seconds);
  if (load.key == "recorded") {
    raw.leaf_bytes = sizes.check_leaf;
  } else if (load.key == "agree") {
    raw.leaf_bytes = sizes.agreement_leaf;
    raw.state = sizes.agreement_rows;
  } else {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(load.series.raw, relais::bench::MeasureRaw(raw));
  return absl::OkStatus();
}

absl::StatusOr<Report> Run(const Options& options) {
  RETURN_IF_ERROR(relais::rpc::ConfigureProcess());
  ASSIGN_OR_RETURN(const std::unique_ptr<Workloads> workloads, Workloads::Connect(options.suite));
  Report report;
  report.loop.in_flight = options.in_flight;
  report.loop.warm_up = absl::Seconds(options.warm_up);
  report.loop.measured = absl::Seconds(options.seconds);
  report.channels = options.suite.channels;
  report.persons = options.persons;
  report.echo.name = "echo";
  ASSIGN_OR_RETURN(report.preparation, workloads->Prepare(options.persons, options.in_flight));
  ASSIGN_OR_RETURN(report.sizes, workloads->MeasureSizes());
  std::vector<Load> loads = LoadsOf(options, *workloads);
  for (int round = 0; round < options.rounds; ++round) {
    report.echo.rounds.push_back(workloads->Echo(report.echo.name, report.loop));
    for (Load& load : loads) {
      load.series.rounds.push_back(load.run(load.series.name, report.loop));
    }
  }
  for (Load& load : loads) {
    if (!options.raw_folder.empty()) {
      RETURN_IF_ERROR(MeasureRawOf(options, report.sizes, load));
    }
    report.loads.push_back(std::move(load.series));
  }
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the consent registry against an echo and against RocksDB alone");
  CLI11_PARSE(Declare(app, options), argc, argv);
  const absl::StatusOr<Report> report = Run(options);
  if (!report.ok()) {
    std::cerr << "bench_load: " << report.status() << '\n';
    return 1;
  }
  relais::bench::Print(*report, std::cout);
  if (!options.json.empty()) {
    std::ofstream(options.json) << relais::bench::ToJson(*report).dump(2) << '\n';
  }
  return relais::bench::Passed(*report) ? 0 : kExitMissed;
}
