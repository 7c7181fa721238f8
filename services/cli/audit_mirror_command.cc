// `relais audit mirror`: a verified local copy of a log; and tiled exports, which are one taken once.
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/audit/mirror.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/interrupt.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"

namespace relais::cli {
namespace {

constexpr absl::Duration kWaitForGrowth = absl::Seconds(2);
constexpr absl::Duration kRetry = absl::Seconds(2);
constexpr absl::Duration kLook = absl::Milliseconds(100);

struct MirrorCommand {
  std::string service;
  std::string folder;
  std::vector<std::string> keys;
  bool follow = false;
  std::string interval = "1s";
};

// A mirror and where it reads, ready to be brought up to date.
struct Copy {
  std::unique_ptr<Session> session;
  std::vector<LogKey> keys;
  std::unique_ptr<audit::LogSource> source;
  std::unique_ptr<audit::Mirror> mirror;
};

absl::StatusOr<Copy> OpenCopy(Context& context, const std::string& service, const std::string& folder,
                              const std::vector<std::string>& given, const Clock& clock, Progress& progress) {
  Copy copy;
  RETURN_IF_ERROR(CheckService(service));
  ASSIGN_OR_RETURN(copy.session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(copy.keys, ReadLogKeys(copy.session->settings(), given));
  audit::MirrorOptions options;
  for (const LogKey& key : copy.keys) {
    if (key.service.empty() || key.service == service) {
      options.verifiers.push_back(key.verifier);
    }
  }
  options.progress = [&progress](uint64_t leaves) { progress.Update(leaves, 0); };
  copy.source = MakeLogSource(*copy.session, service);
  ASSIGN_OR_RETURN(copy.mirror, audit::Mirror::Open(folder, std::move(options), clock));
  return copy;
}

void PrintReport(const Context& context, const audit::MirrorReport& report, const std::string& folder,
                 absl::Duration elapsed) {
  const double seconds = absl::ToDoubleSeconds(elapsed);
  const auto rate = seconds > 0 ? static_cast<uint64_t>(static_cast<double>(report.fetched) / seconds) : 0;
  Print(context.globals.json,
        nlohmann::json{{"origin", report.checkpoint.origin},
                       {"leaves", report.checkpoint.size},
                       {"before", report.before},
                       {"reused", report.reused},
                       {"fetched", report.fetched},
                       {"seconds", seconds},
                       {"root", merkle::HashToHex(report.checkpoint.root)}},
        absl::StrCat(
            report.checkpoint.origin, ": ", Grouped(report.checkpoint.size), " leaves in ", folder, ", ",
            Grouped(report.fetched), " fetched",
            report.reused > 0 ? absl::StrCat(", ", Grouped(report.reused), " left by an earlier run") : "",
            report.fetched > 1000 ? absl::StrCat(", ", Grouped(rate), "/s") : "", ", verified\n"));
  std::cout << std::flush;
}

bool Passing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status);
}

void Pause(absl::Duration duration, const Interrupt& interrupt) {
  const absl::Time until = absl::Now() + duration;
  while (!interrupt.raised() && absl::Now() < until) {
    absl::SleepFor(kLook);
  }
}

absl::StatusOr<int> Follow(Context& context, const MirrorCommand& options, Copy& copy, const Clock& clock,
                           absl::Duration interval) {
  const Interrupt interrupt([] {});
  while (!interrupt.raised()) {
    const absl::Duration start = clock.Monotonic();
    const uint64_t held = copy.mirror->held().has_value() ? copy.mirror->held()->size : 0;
    const auto report = copy.mirror->Update(*copy.source, held + 1, kWaitForGrowth);
    if (report.ok()) {
      PrintReport(context, *report, options.folder, clock.Monotonic() - start);
      Pause(interval, interrupt);
    } else if (absl::IsDeadlineExceeded(report.status())) {
      continue;  // it has not grown
    } else if (Passing(report.status())) {
      std::cerr << "relais: " << report.status().message() << "; trying again" << std::endl;
      Pause(kRetry, interrupt);
    } else {
      return absl::IsAborted(report.status()) ? absl::StatusOr<int>(PrintAlarm(context, report.status()))
                                              : report.status();
    }
  }
  return kExitOk;
}

absl::StatusOr<int> RunMirror(Context& context, const MirrorCommand& options) {
  absl::Duration interval;
  if (!absl::ParseDuration(options.interval, &interval) || interval < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--interval wants a duration such as 1s");
  }
  const SystemClock clock;
  Progress progress(0, context.globals.json, clock);
  ASSIGN_OR_RETURN(Copy copy,
                   OpenCopy(context, options.service, options.folder, options.keys, clock, progress));
  const absl::Duration start = clock.Monotonic();
  const auto report = copy.mirror->Update(*copy.source, 0, absl::ZeroDuration());
  if (absl::IsAborted(report.status())) {
    return PrintAlarm(context, report.status());
  }
  if (!report.ok() && !(options.follow && Passing(report.status()))) {
    return report.status();
  }
  if (report.ok()) {
    PrintReport(context, *report, options.folder, clock.Monotonic() - start);
  }
  return options.follow ? Follow(context, options, copy, clock, interval) : absl::StatusOr<int>(kExitOk);
}

}  // namespace

absl::StatusOr<int> ExportTiles(Context& context, const std::string& service, const std::string& folder,
                                const std::vector<std::string>& keys) {
  std::error_code error;
  if (std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error)) {
    return absl::FailedPreconditionError(folder +
                                         " is not empty: to bring a copy up to date use audit mirror");
  }
  const SystemClock clock;
  Progress progress(0, context.globals.json, clock);
  ASSIGN_OR_RETURN(Copy copy, OpenCopy(context, service, folder, keys, clock, progress));
  const absl::Duration start = clock.Monotonic();
  const auto report = copy.mirror->Update(*copy.source, 0, absl::ZeroDuration());
  if (absl::IsAborted(report.status())) {
    return PrintAlarm(context, report.status());
  }
  RETURN_IF_ERROR(report.status());
  PrintReport(context, *report, folder, clock.Monotonic() - start);
  return kExitOk;
}

void AddAuditMirror(CLI::App& noun, Context& context) {
  CLI::App& mirror = AddVerb(
      noun, "mirror",
      "keep a verified local copy of a log, as c2sp.org/tlog-tiles; exit 10 when the log is caught",
      "relais --as auditor/suite audit mirror --service consent /var/lib/relais-mirror/consent --follow");
  auto options = std::make_shared<MirrorCommand>();
  mirror.add_option("--service", options->service, "consent, routing, alerting or vault")->required();
  mirror.add_option("folder", options->folder, "where the copy is kept")->required();
  mirror.add_flag("--follow", options->follow, "go on as the log grows");
  mirror.add_option("--interval", options->interval, "with --follow: pause between two updates")
      ->capture_default_str();
  AddLogKeys(mirror, options->keys);
  OnRun(mirror, context, options, RunMirror);
}

}  // namespace relais::cli
