// Measures the audit log (docs/performance.md). Each part runs in a process of its own, so that its memory is
// its own; scripts/bench.sh runs them all and compares.
//
//   bench_audit append --folder DIR
//   bench_audit build  --folder DIR [--leaves N] [--persons N]
//   bench_audit read   --folder DIR [--persons N]
//   bench_audit serve  --folder DIR --pki DIR
//   bench_audit export --target HOST:PORT --pki DIR [--leaves N]
//
// Prints one `name value` a line. Exit: 0; 1 when something failed.
#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>
#include <string>

#include "common/base/status.h"
#include "common/rpc/process.h"
#include "tests/bench/audit_append.h"
#include "tests/bench/audit_build.h"
#include "tests/bench/audit_read.h"
#include "tests/bench/audit_serve.h"
#include "tests/bench/audit_world.h"

namespace {

struct Options {
  std::string folder;
  std::string pki;
  std::string target;
  uint64_t leaves = 10'000'000;
  uint64_t persons = 200'000;
  int callers = 64;
  double seconds = 8;
};

void Tell(const std::string& name, double value) {
  std::cout << name << ' ' << std::fixed << std::setprecision(0) << value << std::endl;
}
void Tell(const std::string& name, absl::Duration value) {
  Tell(name + "_us", absl::ToDoubleMicroseconds(value));
}
void Tell(const std::string& name, const relais::bench::Quantiles& value) {
  Tell(name + "_p50", value.p50);
  Tell(name + "_p99", value.p99);
}

absl::Status Append(const Options& options) {
  relais::bench::AppendLoad load;
  load.folder = options.folder;
  load.callers = options.callers;
  load.duration = absl::Seconds(options.seconds);
  ASSIGN_OR_RETURN(const relais::bench::AppendFigure figure, relais::bench::MeasureAppends(load));
  Tell("appends_per_second", figure.per_second);
  Tell("append_p50", figure.p50);
  Tell("append_p99", figure.p99);
  Tell("provable_p50", figure.provable_p50);
  Tell("provable_p99", figure.provable_p99);
  Tell("provable_followed", static_cast<double>(figure.proofs));
  Tell("leaf_bytes", static_cast<double>(figure.leaf_bytes));
  Tell("raw_per_second", figure.raw_per_second);
  return absl::OkStatus();
}

absl::Status Read(const Options& options) {
  relais::bench::ReadLoad load;
  load.folder = options.folder;
  load.persons = options.persons;
  ASSIGN_OR_RETURN(const relais::bench::ReadFigure figure, relais::bench::MeasureReads(load));
  Tell("leaves", static_cast<double>(figure.leaves));
  Tell("start_store", figure.store_took);
  Tell("start_log", figure.log_took);
  Tell("start", figure.store_took + figure.log_took);
  Tell("events_of_one", static_cast<double>(figure.events));
  Tell("events_cold", figure.events_cold);
  Tell("events_warm", figure.events_warm);
  Tell("inclusion", figure.inclusion);
  return absl::OkStatus();
}

absl::Status Export(const Options& options) {
  relais::bench::ExportLoad load;
  load.target = options.target;
  load.pki = options.pki;
  load.leaves = options.leaves;
  ASSIGN_OR_RETURN(const relais::bench::ExportFigure figure, relais::bench::MeasureExport(load));
  Tell("exported_leaves", static_cast<double>(figure.leaves));
  Tell("exported_per_second", figure.PerSecond());
  Tell("exported_bytes_per_second", static_cast<double>(figure.bytes) / absl::ToDoubleSeconds(figure.took));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the audit log");
  app.require_subcommand(1);
  const auto add = [&](const char* name, const char* what, bool folder, bool pki) {
    CLI::App* command = app.add_subcommand(name, what);
    if (folder) {
      command->add_option("--folder", options.folder, "The log's")->required();
    }
    if (pki) {
      command->add_option("--pki", options.pki, "Folder of the development PKI")->required();
    }
    return command;
  };
  CLI::App* append = add("append", "Durable appends from many callers", true, false);
  append->add_option("--callers", options.callers, "At once")->check(CLI::Range(1, 4096));
  append->add_option("--seconds", options.seconds, "Measured time")->check(CLI::PositiveNumber);
  CLI::App* build = add("build", "Builds a large log", true, false);
  CLI::App* read = add("read", "Start, one person's events, proofs", true, false);
  CLI::App* serve = add("serve", "Serves AuditService on a built log", true, true);
  CLI::App* exported = add("export", "Takes leaves over one connection", false, true);
  exported->add_option("--target", options.target, "host:port of the server")->required();
  for (CLI::App* command : {build, exported}) {
    command->add_option("--leaves", options.leaves, "Leaves")->check(CLI::Range(1, 1'000'000'000));
  }
  for (CLI::App* command : {build, read}) {
    command->add_option("--persons", options.persons, "Persons the leaves are about");
  }
  CLI11_PARSE(app, argc, argv);

  absl::Status status = relais::rpc::ConfigureProcess();
  if (status.ok() && append->parsed()) {
    status = Append(options);
  } else if (status.ok() && build->parsed()) {
    status = relais::bench::BuildLog(options.folder, options.leaves, options.persons);
  } else if (status.ok() && read->parsed()) {
    status = Read(options);
  } else if (status.ok() && serve->parsed()) {
    status = relais::bench::ServeAudit({options.folder, options.pki});
  } else if (status.ok()) {
    status = Export(options);
  }
  if (!status.ok()) {
    std::cerr << "bench_audit: " << status << '\n';
    return 1;
  }
  if (!serve->parsed()) {
    Tell("mb", static_cast<double>(relais::bench::PeakMegabytes()));
  }
  return 0;
}
