// Measures a consent registry at size against its ceilings, all in one run (docs/performance.md, "The
// registry at size").
//
//   bench_registry --echo HOST:PORT --consent HOST:PORT --handles FILE --small HOST:PORT --small-handles FILE
//                  --pki DIR/pki --raw-folder DIR [--json FILE]
//
// `--small` is the same service with a small store, `--handles` what bench_registry_build wrote. Echo and
// loads take turns, round after round. Exit: 0; 1 when it cannot run; 3 when a call failed or a mark was
// missed.
#include <CLI/CLI.hpp>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/process.h"
#include "tests/bench/report.h"
#include "tests/bench/workloads.h"

namespace {

using relais::bench::Among;
using relais::bench::Figure;
using relais::bench::Loop;
using relais::bench::Pace;
using relais::bench::Report;
using relais::bench::Series;
using relais::bench::Workloads;

// Issue 4, "What it must show".
constexpr double kDryRunMark = 0.70;
constexpr double kHotMark = 0.80;
constexpr double kRecordedMark = 0.60;
constexpr double kAgreementMark = 0.60;  // of 1 / (1/echo + 1/raw)
constexpr double kLatencyMark = 2;       // x the echo's p99, each at half its own peak
constexpr double kBatchMark = 150'000;   // persons/s
constexpr double kGrowthMark = 1.5;
constexpr int kExitMissed = 3;

struct Options {
  relais::bench::Suite suite;
  std::string small;
  std::string handles;
  std::string small_handles;
  int in_flight = 64;
  int rounds = 3;
  double seconds = 5;
  double warm_up = 1;
  double fill = 3;
  uint64_t hot = 10'000;
  int batch = 1000;
  std::string raw_folder;
  std::string json;
};

CLI::App& Declare(CLI::App& app, Options& options) {
  options.suite.trust_domain = "relais.test";
  app.add_option("--echo", options.suite.echo, "host:port of bench_echo")->required();
  app.add_option("--consent", options.suite.consent, "host:port of relais-consent")->required();
  app.add_option("--handles", options.handles, "Handles of its persons, one a line")->required();
  app.add_option("--small", options.small, "host:port of one with a small store")->required();
  app.add_option("--small-handles", options.small_handles, "Handles of its persons")->required();
  app.add_option("--pki", options.suite.pki, "Folder of the development PKI")->required();
  app.add_option("--trust-domain", options.suite.trust_domain, "The suite's");
  app.add_option("--channels", options.suite.channels, "Connections")->check(CLI::Range(1, 64));
  app.add_option("--in-flight", options.in_flight, "Calls at once")->check(CLI::Range(1, 1024));
  app.add_option("--rounds", options.rounds, "Rounds of each load")->check(CLI::Range(1, 100));
  app.add_option("--seconds", options.seconds, "Measured time of a round")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up, "Time before it, in seconds")->check(CLI::NonNegativeNumber);
  app.add_option("--fill", options.fill,
                 "How often each person is asked about first, on average, to fill the caches")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--hot", options.hot, "Persons of the hot set")->check(CLI::PositiveNumber);
  app.add_option("--batch", options.batch, "Persons of one BatchCheck")->check(CLI::Range(1, 1000));
  app.add_option("--raw-folder", options.raw_folder, "Where RocksDB is measured alone")->required();
  app.add_option("--json", options.json, "Writes the report there too");
  return app;
}

// The loads in the order in which each round runs them.
enum Place { kDry, kHot, kSmall, kRecorded, kAgree, kBatch, kBatchHot };

struct Load {
  Series series;
  std::function<Figure(const std::string& name, const Loop& loop)> run;
};

std::vector<Load> LoadsOf(const Options& options, Workloads& large, Workloads& small) {
  const Among all{};
  const Among hot{std::min(options.hot, large.persons())};
  const auto check = [](Workloads& workloads, Among among, bool dry_run) {
    return [&workloads, among, dry_run](const std::string& name, const Loop& loop) {
      return workloads.Check(name, loop, among, dry_run);
    };
  };
  const auto batch = [&large, persons = options.batch](Among among) {
    return [&large, persons, among](const std::string& name, const Loop& loop) {
      return large.BatchCheck(name, loop, among, persons);
    };
  };
  std::vector<Load> loads;
  loads.push_back({{"Check, dry run", {}, {}, kDryRunMark}, check(large, all, true)});
  loads.push_back({{"Check, dry run, hot set", {}, {}, kHotMark}, check(large, hot, true)});
  loads.push_back({{"Check, dry run, small store", {}, {}, 0}, check(small, all, true)});
  loads.push_back({{"Check, recorded", {}, {}, kRecordedMark}, check(large, all, false)});
  loads.push_back({{"RecordConsent", {}, {}, 0}, [&large, all](const std::string& name, const Loop& loop) {
                     return large.RecordConsent(name, loop, all);
                   }});
  loads.push_back({{absl::StrCat("BatchCheck of ", options.batch), {}, {}, 0}, batch(all)});
  loads.push_back({{absl::StrCat("BatchCheck of ", options.batch, ", hot set"), {}, {}, 0}, batch(hot)});
  return loads;
}

// Of what a load writes; one thread, batches of 32, as ever.
absl::Status MeasureRawOf(const Options& options, size_t leaf_bytes,
                          std::vector<relais::bench::StateRow> state, Load& load) {
  relais::bench::RawLoad raw;
  raw.folder = options.raw_folder;
  raw.duration = absl::Seconds(options.seconds);
  raw.leaf_bytes = leaf_bytes;
  raw.state = std::move(state);
  ASSIGN_OR_RETURN(load.series.raw, relais::bench::MeasureRaw(raw));
  return absl::OkStatus();
}

// Echo and check in turns, each at half of what it reached.
void MeasurePaced(const Options& options, Workloads& large, const std::vector<Load>& loads, Report& report) {
  Pace pace;
  pace.warm_up = report.loop.warm_up;
  pace.measured = report.loop.measured;
  Series echo{"echo at half its peak", {}, {}, 0};
  Series dry{"Check, dry run, at half its peak", {}, {}, 0};
  for (int round = 0; round < options.rounds; ++round) {
    pace.per_second = report.echo.Median().PerSecond() / 2;
    echo.rounds.push_back(large.PacedEcho(echo.name, pace));
    pace.per_second = loads[kDry].series.Median().PerSecond() / 2;
    dry.rounds.push_back(large.PacedCheck(dry.name, pace, {}, true));
  }
  report.paced = {std::move(echo), std::move(dry)};
}

void Judge(const Options& options, Report& report) {
  const auto rate = [&](Place place) { return report.loads[place].Median().PerSecond(); };
  const double latency = absl::FDivDuration(relais::bench::MedianP99(report.paced[1]),
                                            relais::bench::MedianP99(report.paced[0]));
  report.findings.push_back(
      {"p99 of a dry run / echo's, each at half its peak", latency, kLatencyMark, false});
  report.findings.push_back(
      {"time of a dry run, large store / small", rate(kSmall) / rate(kDry), kGrowthMark, false});
  report.findings.push_back({"RecordConsent / its ceiling",
                             rate(kAgree) / CeilingOf(report, report.loads[kAgree]), kAgreementMark});
  report.findings.push_back({"BatchCheck, persons/s", rate(kBatch) * options.batch, kBatchMark});
  // Shown beside the mark, which is the uniform one's.
  report.findings.push_back({"BatchCheck, hot set, persons/s", rate(kBatchHot) * options.batch, 0});
}

absl::StatusOr<std::unique_ptr<Workloads>> Connect(const Options& options, const std::string& target,
                                                   const std::string& handles) {
  relais::bench::Suite suite = options.suite;
  suite.consent = target;
  ASSIGN_OR_RETURN(std::unique_ptr<Workloads> workloads, Workloads::Connect(suite));
  RETURN_IF_ERROR(workloads->UseHandles(handles));
  return workloads;
}

// Not measured: until the caches hold what they can.
absl::Status Fill(const Options& options, Workloads& workloads) {
  Loop loop;
  loop.in_flight = options.in_flight;
  loop.calls =
      1 + static_cast<uint64_t>(options.fill * static_cast<double>(workloads.persons()) / options.batch);
  return workloads.BatchCheck("fill", loop, {}, options.batch).first_error;
}

absl::StatusOr<Report> Run(const Options& options) {
  RETURN_IF_ERROR(relais::rpc::ConfigureProcess());
  ASSIGN_OR_RETURN(const std::unique_ptr<Workloads> large,
                   Connect(options, options.suite.consent, options.handles));
  ASSIGN_OR_RETURN(const std::unique_ptr<Workloads> small,
                   Connect(options, options.small, options.small_handles));
  Report report;
  report.loop.in_flight = options.in_flight;
  report.loop.warm_up = absl::Seconds(options.warm_up);
  report.loop.measured = absl::Seconds(options.seconds);
  report.channels = options.suite.channels;
  report.persons = large->persons();
  report.echo.name = "echo";
  ASSIGN_OR_RETURN(report.sizes, large->MeasureSizes());
  RETURN_IF_ERROR(Fill(options, *large));
  RETURN_IF_ERROR(Fill(options, *small));
  std::vector<Load> loads = LoadsOf(options, *large, *small);
  for (int round = 0; round < options.rounds; ++round) {
    report.echo.rounds.push_back(large->Echo(report.echo.name, report.loop));
    for (Load& load : loads) {
      load.series.rounds.push_back(load.run(load.series.name, report.loop));
    }
  }
  MeasurePaced(options, *large, loads, report);
  RETURN_IF_ERROR(MeasureRawOf(options, report.sizes.check_leaf, {}, loads[kRecorded]));
  RETURN_IF_ERROR(
      MeasureRawOf(options, report.sizes.agreement_leaf, report.sizes.agreement_rows, loads[kAgree]));
  for (Load& load : loads) {
    report.loads.push_back(std::move(load.series));
  }
  Judge(options, report);
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures a consent registry at size");
  CLI11_PARSE(Declare(app, options), argc, argv);
  const absl::StatusOr<Report> report = Run(options);
  if (!report.ok()) {
    std::cerr << "bench_registry: " << report.status() << '\n';
    return 1;
  }
  relais::bench::Print(*report, std::cout);
  if (!options.json.empty()) {
    std::ofstream(options.json) << relais::bench::ToJson(*report).dump(2) << '\n';
  }
  return relais::bench::Passed(*report) ? 0 : kExitMissed;
}
