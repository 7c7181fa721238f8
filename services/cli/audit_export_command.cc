// `relais audit export`: a whole log in one file, or as tiles.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"
#include "services/cli/audit_command.h"
#include "services/cli/exit_code.h"
#include "services/cli/export_file.h"
#include "services/cli/interrupt.h"
#include "services/cli/log_keys.h"
#include "services/cli/log_source.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using audit::v1::AuditService;
using audit::v1::ExportResponse;

constexpr absl::Duration kLongest = absl::Hours(24);

struct ExportOptions {
  std::string service;
  std::string file;
  std::vector<std::string> keys;
  std::string format = "file";
  bool cosigned = false;
};

// Writes what comes in, and verifies it against `checkpoint`; when that is empty, against the one that comes.
class ExportTaker {
 public:
  ExportTaker(std::ofstream& out, std::string checkpoint, std::vector<merkle::NoteVerifier> verifiers,
              bool quiet)
      : out_(out), checkpoint_(std::move(checkpoint)), verifiers_(std::move(verifiers)), quiet_(quiet) {}

  absl::Status Take(const ExportResponse& message) {
    if (!verifier_.has_value()) {
      const std::string& checkpoint = checkpoint_.empty() ? message.checkpoint() : checkpoint_;
      ASSIGN_OR_RETURN(verifier_, LogVerifier::Open(checkpoint, verifiers_));
      out_ << ExportHeader(verifier_->checkpoint().origin, checkpoint);
      progress_.emplace(verifier_->checkpoint().size, quiet_, clock_);
    }
    if (message.withheld_size() > 0) {
      return absl::PermissionDeniedError("your scope does not show the whole log: use audit query");
    }
    for (const std::string& leaf : message.leaves()) {
      if (HasAll()) {
        break;
      }
      WriteLeaf(out_, leaf);
      RETURN_IF_ERROR(verifier_->Add(leaf));
      ++taken_;
    }
    progress_->Update(taken_, taken_);
    return absl::OkStatus();
  }
  /// Every leaf of the checkpoint is there.
  [[nodiscard]] bool HasAll() const {
    return verifier_.has_value() && taken_ >= verifier_->checkpoint().size;
  }
  absl::StatusOr<VerifiedLog> Finish() {
    if (!verifier_.has_value()) {
      return absl::DataLossError("the service sent no checkpoint");
    }
    return verifier_->Finish();
  }

 private:
  std::ofstream& out_;
  const std::string checkpoint_;
  const std::vector<merkle::NoteVerifier> verifiers_;
  const bool quiet_;
  const SystemClock clock_;
  std::optional<LogVerifier> verifier_;
  std::optional<Progress> progress_;
  uint64_t taken_ = 0;
};

// kExitOk, kExitIncomplete when interrupted, or why it failed.
absl::StatusOr<int> Fetch(Session& session, const std::string& service, ExportTaker& taker) {
  ASSIGN_OR_RETURN(const auto channel, session.Channel(service));
  channel->WaitForConnected(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(session.timeout()));
  const auto stub = AuditService::NewStub(channel);
  grpc::ClientContext call;
  session.Prepare(call, kLongest);
  const Interrupt interrupt([&call] { call.TryCancel(); });
  const auto stream = stub->Export(&call, audit::v1::ExportRequest());
  absl::Status taken;
  for (ExportResponse message; taken.ok() && !taker.HasAll() && stream->Read(&message);) {
    taken = taker.Take(message);
  }
  const bool enough = taken.ok() && taker.HasAll();
  if (!taken.ok() || enough) {
    call.TryCancel();
  }
  const grpc::Status status = stream->Finish();
  if (interrupt.raised()) {
    return kExitIncomplete;
  }
  RETURN_IF_ERROR(taken);
  return status.ok() || enough ? absl::StatusOr<int>(kExitOk)
                               : session.Explain(service, rpc::FromGrpc(status));
}

absl::StatusOr<int> RunExport(Context& context, const ExportOptions& options) {
  RETURN_IF_ERROR(CheckService(options.service));
  if (options.format == "tiles") {
    return ExportTiles(context, options.service, options.file, options.keys);
  }
  RETURN_IF_ERROR(CheckOutput(options.file));
  ASSIGN_OR_RETURN(const auto session, Session::OpenForAudit(context.globals));
  ASSIGN_OR_RETURN(const auto keys, ReadLogKeys(session->settings(), options.keys));
  std::string checkpoint;
  if (options.cosigned) {
    ASSIGN_OR_RETURN(checkpoint, FetchCheckpoint(*session, options.service, WhichCheckpoint::kCosigned));
  }
  const std::string partial = options.file + ".partial";
  std::ofstream out(partial, std::ios::binary | std::ios::trunc);
  ExportTaker taker(out, std::move(checkpoint), Verifiers(keys), session->json());
  ASSIGN_OR_RETURN(const int exit_code, Fetch(*session, options.service, taker));
  if (exit_code != kExitOk) {
    return exit_code;
  }
  out.close();
  ASSIGN_OR_RETURN(const VerifiedLog log, taker.Finish());
  if (out.fail() || std::rename(partial.c_str(), options.file.c_str()) != 0) {
    return absl::InvalidArgumentError("cannot write " + options.file);
  }
  Print(context.globals.json,
        nlohmann::json{{"origin", log.checkpoint.origin}, {"leaves", log.checkpoint.size}},
        absl::StrCat("exported ", Grouped(log.checkpoint.size), " leaves of ", log.checkpoint.origin,
                     ", verified\n"));
  return kExitOk;
}

}  // namespace

void AddAuditExport(CLI::App& noun, Context& context) {
  CLI::App& verb = AddVerb(noun, "export", "a whole log, sealed, with its checkpoint, in one file",
                           "relais --as auditor/suite audit export --service consent consent.log");
  auto options = std::make_shared<ExportOptions>();
  verb.add_option("--service", options->service, "consent, routing, alerting or vault")->required();
  verb.add_option("file", options->file, "the file to write; with --format tiles the folder")->required();
  verb.add_option("--format", options->format, "file, or tiles: a folder as c2sp.org/tlog-tiles has it")
      ->capture_default_str()
      ->check(CLI::IsMember({"file", "tiles"}));
  verb.add_flag("--cosigned", options->cosigned, "up to the last checkpoint that witnesses cosigned");
  AddLogKeys(verb, options->keys);
  OnRun(verb, context, options, RunExport);
}

}  // namespace relais::cli
