#include "services/cli/import_file.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/feeds/results.h"
#include "services/cli/exit_code.h"
#include "services/cli/grpc_feed_stream.h"
#include "services/cli/interrupt.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/suppression_file.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

constexpr uint64_t kRowsForARate = 1000;

constexpr char kDanger[] =
    "Danger immédiat : ces fiches n'ont pas été transmises. Appelez le 15, 17, 18, 112 ou 114.\n"
    "Immediate danger: these reports were not passed on. Call 15, 17, 18, 112 or 114.\n";

// The result files. Neither holds personal data: common/feeds/results.h makes their lines.
class ResultFiles {
 public:
  static absl::StatusOr<ResultFiles> Open(const ImportRequest& request) {
    ResultFiles files;
    if (!request.results.empty()) {
      RETURN_IF_ERROR(files.Add(request.results, feeds::kResultsHeader, files.results_));
    }
    for (const std::string& path : request.refused) {
      RETURN_IF_ERROR(files.Add(path, feeds::kRefusedHeader, files.refused_));
    }
    return files;
  }

  void Tell(uint64_t line, std::string_view reference, const feeds::Outcome& outcome,
            std::string_view field) {
    for (std::ofstream& file : results_) {
      file << feeds::ResultsLine(line, reference, outcome);
    }
    if (outcome.kind == feeds::OutcomeKind::kRefused) {
      for (std::ofstream& file : refused_) {
        file << feeds::RefusedLine(line, reference, outcome.reason, field);
      }
    }
  }

  absl::Status Close() {
    bool good = true;
    for (std::vector<std::ofstream>* files : {&results_, &refused_}) {
      for (std::ofstream& file : *files) {
        file.close();
        good = good && !file.fail();
      }
    }
    return good ? absl::OkStatus()
                : absl::DataLossError("a result file could not be written whole: disk full?");
  }

 private:
  absl::Status Add(const std::string& path, std::string_view header, std::vector<std::ofstream>& files) {
    std::ofstream& file = files.emplace_back(path, std::ios::binary | std::ios::trunc);
    file << header;
    return file ? absl::OkStatus() : absl::InvalidArgumentError("cannot write " + path);
  }

  std::vector<std::ofstream> results_;
  std::vector<std::ofstream> refused_;
};

std::string SuppressionKeyPath(const Session& session, const ImportRequest& request) {
  if (!request.suppression_key.empty()) {
    return request.suppression_key;
  }
  if (!session.settings().suppression_key.empty()) {
    return session.settings().suppression_key;
  }
  return absl::StrCat(session.settings().pki, "/institutions/", session.institution(), "/suppression.key");
}

alerting::v1::FeedType WireType(feeds::FeedType type) {
  return type == feeds::FeedType::kBspp ? alerting::v1::FEED_TYPE_BSPP : alerting::v1::FEED_TYPE_EDF;
}

void Fail(ImportReport& report, int code, absl::Status why) {
  report.code = code;
  report.why = std::move(why);
}

// Refusals of the caller end an import for good; anything else may pass, and the file is then sent again.
int CodeOfBroken(const absl::Status& status) {
  const int code = ExitCodeOf(status);
  return code == kExitNotAuthorised ? code : kExitIncomplete;
}

void Send(Session& session, const ImportRequest& request, feeds::RowReader& reader,
          const SuppressionFile& keys, ImportReport& report) {
  auto stream = GrpcFeedStream::Make(session);
  const auto paris = calendar::Paris::Load();
  if (!stream.ok() || !paris.ok()) {
    const absl::Status why = stream.ok() ? paris.status() : stream.status();
    return Fail(report, ExitCodeOf(why), why);
  }
  std::atomic<bool> stopping = false;
  Interrupt interrupt([&] {
    stopping = true;
    (*stream)->Cancel();
  });
  const auto opened = (*stream)->Open(WireType(request.type));
  if (!opened.ok()) {
    return Fail(report, CodeOfBroken(opened.status()), opened.status());
  }
  report.today = DayText(opened->today());
  std::cerr << "today: " << report.today << " (directory version " << opened->directory_version() << ")"
            << std::endl;
  auto terms = MakeGateTerms(request.type, session.institution(), *opened, keys, *paris);
  auto files = ResultFiles::Open(request);
  if (!terms.ok() || !files.ok()) {
    return terms.ok() ? Fail(report, kExitUsage, files.status()) : Fail(report, kExitFailed, terms.status());
  }
  report.refused_file = request.refused.empty() ? "" : request.refused.front();
  const RowGate gate(*std::move(terms));
  ImportResults results([&files](uint64_t line, std::string_view reference, const feeds::Outcome& outcome,
                                 std::string_view field) { files->Tell(line, reference, outcome, field); });
  const SystemClock clock;
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(request.path, error);
  absl::Status sent;
  {
    Progress progress(error ? 0 : size, session.json(), clock);
    sent = SendFeed(reader, gate, **stream, results, [&](uint64_t rows, uint64_t bytes) {
      progress.Update(rows, bytes);
      return !stopping;
    });
    report.elapsed = progress.elapsed();
  }
  report.tally = results.tally();
  if (stopping) {
    sent = absl::CancelledError("interrupted");
  }
  if (!sent.ok()) {
    return Fail(report, CodeOfBroken(sent), sent);
  }
  report.code = report.tally.refused > 0 ? kExitRowsRefused : kExitOk;
  if (const absl::Status closed = files->Close(); !closed.ok()) {
    Fail(report, kExitIncomplete, closed);
  }
}

absl::StatusOr<SuppressionFile> SuppressionKeys(const Session& session, const ImportRequest& request) {
  const std::string path = SuppressionKeyPath(session, request);
  absl::StatusOr<SuppressionFile> keys = ReadSuppressionFile(path);
  if (absl::IsNotFound(keys.status())) {
    return absl::InvalidArgumentError(
        absl::StrCat("no suppression key at ", path, ": the operators issue it (`relais pki suppression-key ",
                     session.institution(), "`); --suppression-key names another file"));
  }
  return keys.ok() ? std::move(keys)
                   : absl::InvalidArgumentError(
                         absl::StrCat("the suppression key ", path, ": ", keys.status().message()));
}

}  // namespace

absl::Status CheckOutputs(const std::string& input, const std::vector<std::string>& outputs) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::set<fs::path> taken = {fs::weakly_canonical(fs::absolute(input, error), error)};
  for (const std::string& output : outputs) {
    const fs::path path = fs::weakly_canonical(fs::absolute(output, error), error);
    if (!fs::is_directory(path.parent_path(), error)) {
      return absl::InvalidArgumentError(absl::StrCat("cannot write ", output, ": there is no such folder"));
    }
    if (!taken.insert(path).second || fs::equivalent(input, path, error)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot write ", output, ": it would replace the file that is read, or another result"));
    }
  }
  return absl::OkStatus();
}

ImportReport ImportFile(Session& session, const ImportRequest& request) {
  ImportReport report;
  std::vector<std::string> outputs;
  if (!request.results.empty()) {
    outputs.push_back(request.results);  // the one the caller named is the one to complain of
  }
  outputs.insert(outputs.end(), request.refused.begin(), request.refused.end());
  absl::Status usable = CheckInput(request.path);
  usable.Update(CheckOutputs(request.path, outputs));
  if (!usable.ok()) {
    Fail(report, kExitUsage, usable);
    return report;
  }
  std::ifstream input(request.path, std::ios::binary);
  if (!input) {
    Fail(report, kExitUsage, absl::InvalidArgumentError("cannot read " + request.path));
    return report;
  }
  auto reader = feeds::OpenFeed(request.type, input, request.encoding);
  if (!reader.ok()) {
    Fail(report, kExitFileRefused,
         absl::Status(reader.status().code(),
                      absl::StrCat("the file is refused: ", reader.status().message())));
    return report;
  }
  const auto keys = SuppressionKeys(session, request);
  if (!keys.ok()) {
    Fail(report, kExitUsage, keys.status());
    return report;
  }
  Send(session, request, **reader, *keys, report);
  return report;
}

std::string Summary(const ImportReport& report) {
  const ImportTally& tally = report.tally;
  std::string out =
      absl::StrCat(CountedRows(tally.rows), ": ", Grouped(tally.accepted), " accepted, ",
                   Grouped(tally.duplicates), " duplicate, ", Grouped(tally.refused), " refused");
  if (tally.undecided > 0) {
    absl::StrAppend(&out, ", ", Grouped(tally.undecided), " without outcome");
  }
  const double seconds = absl::ToDoubleSeconds(report.elapsed);
  if (seconds > 0) {
    const auto rate = static_cast<uint64_t>(static_cast<double>(tally.rows) / seconds);
    absl::StrAppend(&out, absl::StrFormat(" (%.2f s", seconds),
                    tally.rows < kRowsForARate ? "" : absl::StrCat(", ", Grouped(rate), " rows/s"), ")");
  }
  absl::StrAppend(&out, "\n");
  for (const auto& [reason, count] : tally.by_reason) {
    absl::StrAppend(&out, "  ", reason, ": ", Grouped(count), "\n");
  }
  if (tally.refused > 0 && !report.refused_file.empty()) {
    absl::StrAppend(&out, "  each refused row, with reason and field: ", report.refused_file, "\n");
  }
  for (const auto& [mark, count] : tally.by_mark) {
    absl::StrAppend(&out, "  ", mark, " (accepted, to be checked): ", Grouped(count), "\n");
  }
  if (tally.by_reason.contains("IMMEDIATE_DANGER")) {
    out += kDanger;
  }
  if (report.code == kExitIncomplete) {
    absl::StrAppend(
        &out, "The import is incomplete: ", report.why.message(),
        ". Rows without a line in the results have no outcome; run it again, what was accepted comes back "
        "DUPLICATE.\n");
  }
  return out;
}

nlohmann::json SummaryJson(const ImportReport& report) {
  const ImportTally& tally = report.tally;
  nlohmann::json out = {{"today", report.today},
                        {"rows", tally.rows},
                        {"accepted", tally.accepted},
                        {"duplicates", tally.duplicates},
                        {"refused", tally.refused},
                        {"withoutOutcome", tally.undecided},
                        {"complete", report.why.ok()},
                        {"seconds", absl::ToDoubleSeconds(report.elapsed)},
                        {"refusedByReason", tally.by_reason},
                        {"acceptedByMark", tally.by_mark},
                        {"refusedFile", report.refused_file}};
  if (!report.why.ok()) {
    out["error"] = std::string(report.why.message());
  }
  return out;
}

}  // namespace relais::cli
