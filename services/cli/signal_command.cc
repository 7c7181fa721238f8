// `relais signal`: what senders send, and what became of it.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/directory/lint.h"
#include "common/feeds/form.h"
#include "common/feeds/reader.h"
#include "common/feeds/results.h"
#include "common/pki/file.h"
#include "common/text/day.h"
#include "relais/alerting/v1/signal_service.grpc.pb.h"
#include "services/cli/command.h"
#include "services/cli/drop_folder.h"
#include "services/cli/exit_code.h"
#include "services/cli/import_file.h"
#include "services/cli/interrupt.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

constexpr size_t kMostDirectoryBytes = size_t{4} << 20;
constexpr absl::Duration kTick = absl::Milliseconds(200);

struct FeedOptions {
  std::string type;
  std::string file;
  std::string encoding = "utf-8";
  std::string results;
  std::string suppression_key;
  std::string watch;
  std::string out;
  std::string every = "5s";
  std::string by;
  bool once = false;
  std::string today;
};

absl::StatusOr<feeds::FeedType> TypeOption(const std::string& name) {
  const std::optional<feeds::FeedType> type = feeds::ParseFeedType(name);
  if (!type.has_value()) {
    return absl::InvalidArgumentError("--type is edf or bspp");
  }
  return *type;
}

absl::StatusOr<feeds::Encoding> EncodingOption(const std::string& name) {
  if (name == "utf-8") {
    return feeds::Encoding::kUtf8;
  }
  if (name == "windows-1252") {
    return feeds::Encoding::kWindows1252;
  }
  return absl::InvalidArgumentError("--encoding is utf-8 or windows-1252");
}

// Both where `FILE.refused.csv` may be looked for: beside the file and beside its results.
std::vector<std::string> RefusedPaths(const FeedOptions& options) {
  std::vector<std::string> paths = {options.file + ".refused.csv"};
  if (!options.results.empty()) {
    paths.push_back(options.results + ".refused.csv");
  }
  return paths;
}

int Report(Context& context, const ImportReport& report) {
  const bool begun = !report.today.empty() && report.code != kExitUsage;
  Print(context.globals.json, SummaryJson(report), begun ? Summary(report) : "");
  const bool told = report.code == kExitOk || report.code == kExitRowsRefused;
  if (!told && (report.today.empty() || report.code != kExitIncomplete)) {
    PrintError(std::cerr, report.why, context.globals.json);
  }
  return report.code;
}

// "22:30" as minutes after midnight; -1 for none.
absl::StatusOr<int> MinuteOption(const std::string& text) {
  if (text.empty()) {
    return -1;
  }
  int hour = 0;
  int minute = 0;
  if (std::sscanf(text.c_str(), "%2d:%2d", &hour, &minute) != 2 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59) {
    return absl::InvalidArgumentError("--by wants an hour such as 06:30");
  }
  return hour * 60 + minute;
}

class Watcher {
 public:
  Watcher(Session& session, const FeedOptions& options, feeds::Encoding encoding, int by,
          const calendar::Paris& paris)
      : session_(session), options_(options), encoding_(encoding), by_(by), paris_(paris) {}

  absl::StatusOr<int> Run(absl::Duration every) {
    DropFolder folder(options_.watch, options_.out,
                      [this](const ControlFile& control, const std::string& data, const std::string& results,
                             const std::string& refused) { return Import(control, data, results, refused); });
    int worst = kExitOk;
    while (true) {
      ASSIGN_OR_RETURN(const DropPass pass, folder.Pass());
      for (const std::string& message : pass.messages) {
        Say(message);
      }
      worst = std::max({worst, pass.code, CheckHour(pass.taken)});
      if (options_.once || interrupted_) {
        return worst;
      }
      if (!Wait(every)) {
        return kExitOk;
      }
    }
  }

 private:
  DropImport Import(const ControlFile& control, const std::string& data, const std::string& results,
                    const std::string& refused) {
    ImportRequest request;
    request.type = control.type;
    request.path = data;
    request.encoding = encoding_;
    request.results = results;
    request.refused = {refused};
    request.suppression_key = options_.suppression_key;
    const ImportReport report = ImportFile(session_, request);
    interrupted_ = interrupted_ || absl::IsCancelled(report.why);
    const ImportTally& tally = report.tally;
    std::string message =
        absl::StrCat(tally.rows, " rows, ", tally.accepted, " accepted, ", tally.duplicates, " duplicate, ",
                     tally.refused, " refused, ", tally.undecided, " without outcome");
    if (!report.why.ok()) {
      message = absl::StrCat(report.why.message(), report.today.empty() ? "" : "; " + message);
    }
    return {report.code, message};
  }

  // Messages repeat at every pass while their cause lasts: each is said once.
  void Say(const std::string& message) {
    if (!said_.insert(message).second) {
      return;
    }
    Print(session_.json(), nlohmann::json{{"message", message}}, message + "\n");
  }

  int CheckHour(int taken) {
    const absl::Time now = SuiteNow(session_.settings());
    const absl::CivilDay today = paris_.DayOf(now);
    if (taken > 0) {
      last_taken_ = today;
    }
    if (by_ < 0 || last_taken_ == today || now < paris_.At(today, by_)) {
      return kExitOk;
    }
    Say(absl::StrCat("LATE: no file by ", options_.by, " on ", text::FormatIsoDay(today)));
    return kExitIncomplete;
  }

  static bool Wait(absl::Duration every) {
    std::atomic<bool> stopping = false;
    const Interrupt interrupt([&stopping] { stopping = true; });
    for (absl::Duration waited; waited < every && !stopping; waited += kTick) {
      absl::SleepFor(kTick);
    }
    return !stopping;
  }

  Session& session_;
  const FeedOptions& options_;
  const feeds::Encoding encoding_;
  const int by_;
  const calendar::Paris& paris_;
  std::set<std::string> said_;
  std::optional<absl::CivilDay> last_taken_;
  bool interrupted_ = false;
};

absl::StatusOr<int> RunImport(Context& context, const FeedOptions& options) {
  ASSIGN_OR_RETURN(const feeds::Encoding encoding, EncodingOption(options.encoding));
  if (options.watch.empty() == options.file.empty() || options.watch.empty() != options.out.empty()) {
    return absl::InvalidArgumentError("give either one FILE, or --watch IN and --out OUT");
  }
  if (!options.watch.empty()) {
    ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
    ASSIGN_OR_RETURN(const int by, MinuteOption(options.by));
    ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
    absl::Duration every;
    if (!absl::ParseDuration(options.every, &every) || every <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError("--every wants a duration such as 5s");
    }
    return Watcher(*session, options, encoding, by, paris).Run(every);
  }
  ImportRequest request;
  ASSIGN_OR_RETURN(request.type, TypeOption(options.type));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  request.path = options.file;
  request.encoding = encoding;
  request.results = options.results;
  request.refused = RefusedPaths(options);
  request.suppression_key = options.suppression_key;
  return Report(context, ImportFile(*session, request));
}

// What the directory at hand says of this sender; nothing of it is needed.
struct OfflineTerms {
  std::optional<bool> has_convention;
  std::optional<feeds::SignCodes> signs;
};

OfflineTerms TermsAtHand(const ClientSettings& settings) {
  OfflineTerms terms;
  const auto yaml = pki::ReadWholeFile(settings.directory, kMostDirectoryBytes);
  if (!yaml.ok()) {
    return terms;
  }
  const auto directory = directory::ParseAndLint(*yaml);
  if (!directory.ok()) {
    return terms;
  }
  terms.signs.emplace();
  for (const directory::CodeEntry& sign : directory->content().signs) {
    terms.signs->insert(sign.code);
  }
  if (const auto system = ParseSystemId(settings.as);
      system.ok() && directory->FindInstitution(system->institution) != nullptr) {
    terms.has_convention = directory->HasConvention(system->institution);
  }
  return terms;
}

absl::StatusOr<absl::CivilDay> TodayOption(const std::string& text, absl::CivilDay fallback) {
  if (text.empty()) {
    return fallback;
  }
  const auto day = text::ParseDay(text);
  if (!day.has_value()) {
    return absl::InvalidArgumentError("--today wants a day such as 2026-11-03");
  }
  return *day;
}

absl::StatusOr<int> RunCheck(Context& context, const FeedOptions& options) {
  ASSIGN_OR_RETURN(const feeds::FeedType type, TypeOption(options.type));
  ASSIGN_OR_RETURN(const feeds::Encoding encoding, EncodingOption(options.encoding));
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  RETURN_IF_ERROR(CheckInput(options.file));
  if (!options.results.empty()) {
    RETURN_IF_ERROR(CheckOutputs(options.file, {options.results}));
  }
  std::ifstream input(options.file, std::ios::binary);
  if (!input) {
    return absl::InvalidArgumentError("cannot read " + options.file);
  }
  auto reader = feeds::OpenFeed(type, input, encoding);
  if (!reader.ok()) {
    PrintError(std::cerr,
               absl::InvalidArgumentError(absl::StrCat("the file is refused: ", reader.status().message())),
               context.globals.json);
    return kExitFileRefused;
  }
  const OfflineTerms terms = TermsAtHand(settings);
  feeds::JudgeContext judge{
      .paris = paris, .today = {}, .now = SuiteNow(settings), .has_convention = terms.has_convention};
  ASSIGN_OR_RETURN(judge.today, TodayOption(options.today, paris.DayOf(judge.now)));
  if (!options.today.empty()) {
    judge.now = paris.EndOf(judge.today) - absl::Microseconds(1);
  }
  std::cerr << "today: " << text::FormatIsoDay(judge.today) << std::endl;
  std::ofstream results;
  if (!options.results.empty()) {
    results.open(options.results, std::ios::binary | std::ios::trunc);
    results << feeds::kResultsHeader;
    if (!results) {
      return absl::InvalidArgumentError("cannot write " + options.results);
    }
  }
  std::map<std::string, uint64_t> by_reason;
  uint64_t rows = 0;
  uint64_t refused = 0;
  feeds::RawRow raw;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, (*reader)->Next(raw));
    if (!more) {
      break;
    }
    const feeds::FormResult form =
        feeds::JudgeForm(type, raw, {.signs = terms.signs.has_value() ? &*terms.signs : nullptr});
    const feeds::Outcome outcome = JudgeOffline(form, judge);
    ++rows;
    if (outcome.kind == feeds::OutcomeKind::kRefused) {
      ++refused;
      ++by_reason[std::string(feeds::ReasonName(outcome.reason))];
      Print(context.globals.json,
            nlohmann::json{{"line", raw.line},
                           {"reference", feeds::ShowableReference(form.reference)},
                           {"reason", feeds::ReasonName(outcome.reason)},
                           {"field", outcome.field}},
            feeds::RefusedLine(raw.line, form.reference, outcome.reason, outcome.field));
      results << feeds::ResultsLine(raw.line, form.reference, outcome);
    }
  }
  results.close();
  Print(context.globals.json,
        nlohmann::json{{"rows", rows}, {"refused", refused}, {"refusedByReason", by_reason}},
        absl::StrCat(CountedRows(rows), ", ", Grouped(refused),
                     " would be refused by themselves; the service looks at the others too\n"));
  return refused > 0 ? kExitRowsRefused : kExitOk;
}

struct DeliveriesOptions {
  std::vector<std::string> references;
};

absl::StatusOr<int> RunDeliveries(Context& context, const DeliveriesOptions& options) {
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  alerting::v1::ListDeliveriesRequest request;
  request.mutable_references()->Assign(options.references.begin(), options.references.end());
  ASSIGN_OR_RETURN(const auto response, session->Call<alerting::v1::SignalService>(
                                            &alerting::v1::SignalService::Stub::ListDeliveries, request));
  std::vector<std::vector<std::string>> rows = {{"REFERENCE", "STATE"}};
  for (const auto& delivery : response.deliveries()) {
    rows.push_back({delivery.reference(), delivery.state() == alerting::v1::Delivery::STATE_UNSPECIFIED
                                              ? "never accepted"
                                              : EnumText(delivery.state())});
  }
  Print(context.globals.json, response, Table(rows));
  return kExitOk;
}

void AddFeedOptions(CLI::App& verb, FeedOptions& options) {
  verb.add_option("--type", options.type, "edf or bspp");
  verb.add_option("--encoding", options.encoding, "utf-8 or windows-1252; never guessed")
      ->capture_default_str();
  verb.add_option("--results", options.results, "writes line;reference;outcome;reason;retry_after here");
}

}  // namespace

void AddSignalCommands(CLI::App& app, Context& context) {
  CLI::App& noun = AddNoun(app, "signal", "feeds of unpaid bills and distress reports");

  CLI::App& import =
      AddVerb(noun, "import",
              "send a file: what may not be transmitted stays here. Refused rows are listed in "
              "FILE.refused.csv, beside the\n"
              "file and, with --results, beside the results; neither holds personal data",
              "relais --as edf/billing signal import --type edf impayes.csv --results outcomes.csv");
  auto options = std::make_shared<FeedOptions>();
  AddFeedOptions(import, *options);
  import.add_option("file", options->file, "the file");
  import.add_option("--suppression-key", options->suppression_key, "the institution's suppression key file");
  import.add_option("--watch", options->watch,
                    "drop folder: import each NAME.csv or NAME.ndjson with its NAME.ctl");
  import.add_option("--out", options->out, "where they go, with their results");
  import.add_option("--every", options->every, "how often the drop folder is looked at")
      ->capture_default_str();
  import.add_option("--by", options->by, "report when no file came by this Paris hour, HH:MM");
  import.add_flag("--once", options->once, "look at the drop folder once");
  OnRun(import, context, options, RunImport);

  CLI::App& check = AddVerb(noun, "check", "judge a file here, as far as a row alone allows; nothing is sent",
                            "relais signal check --type bspp fiches.ndjson");
  auto check_options = std::make_shared<FeedOptions>();
  AddFeedOptions(check, *check_options);
  check.add_option("file", check_options->file, "the file")->required();
  check.add_option("--today", check_options->today, "judge as of this day");
  OnRun(check, context, check_options, RunCheck);

  CLI::App& deliveries = AddVerb(noun, "deliveries", "what became of the sender's own accepted rows",
                                 "relais --as edf/billing signal deliveries R-2026-000017");
  auto delivery_options = std::make_shared<DeliveriesOptions>();
  deliveries.add_option("reference", delivery_options->references, "the sender's references")->required();
  OnRun(deliveries, context, delivery_options, RunDeliveries);
}

}  // namespace relais::cli
