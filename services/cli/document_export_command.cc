// `relais document export` and `check-export`: all she has, in one open archive, and that archive checked
// offline.
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "relais/vault/v1/export_service.grpc.pb.h"
#include "services/cli/archive_files.h"
#include "services/cli/audit_command.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/log_keys.h"
#include "services/cli/output.h"
#include "services/cli/progress.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"
#include "services/cli/vault_export.h"

namespace relais::cli {
namespace {

using vault::v1::ExportResponse;
using vault::v1::ExportService;

constexpr size_t kMostKeyBytes = 256;
constexpr size_t kMostProofBytes = size_t{4} << 20;

struct ExportOptions {
  std::string person;
  std::string file;
  bool seal = false;
  bool current_only = false;
  std::string proof;
  std::string key_file;
  std::vector<std::string> keys;
};

std::vector<LogKey> KeysOfVault(std::vector<LogKey> keys) {
  // Those of a directory are of every service; those given are taken as they are.
  std::erase_if(keys, [](const LogKey& key) { return !key.service.empty() && key.service != "vault"; });
  return keys;
}

// Where the proof of an archive is looked for; empty: nowhere.
std::string ProofBeside(const std::string& archive) { return archive == "-" ? "" : archive + ".proof.json"; }

ArchivePaths PathsOf(const ExportOptions& options) {
  return {options.file, options.seal ? options.file + ".key" : "",
          options.proof.empty() ? ProofBeside(options.file) : options.proof};
}

// `proved`: by a signed end of the export, the archive is whole.
nlohmann::json FactsJson(const VaultExportFacts& facts, bool proved) {
  return {{"verified", true},
          {"provedWhole", proved},
          {"exportId", facts.export_id},
          {"made", facts.made},
          {"origin", facts.origin},
          {"logSize", facts.log_size},
          {"currentOnly", facts.current_only},
          {"documents", facts.documents},
          {"bytes", facts.bytes},
          {"certificates", facts.certificates},
          {"files", facts.files},
          {"unproved", facts.unproved},
          {"damaged", facts.damaged},
          {"unreadable", facts.unreadable}};
}

std::string FactsText(const VaultExportFacts& facts, bool proved) {
  std::string text = absl::StrCat(
      "ok  files: ", facts.files,
      ", each as the manifest says, none beside them\nok  receipts: ", facts.documents, " texts of ",
      BytesText(facts.bytes), ", each the one that was deposited\nok  certificates: ", facts.certificates,
      " papers destroyed\nok  checkpoint: ", facts.origin, ", size ", Grouped(facts.log_size), "\n");
  absl::StrAppend(
      &text,
      proved ? "ok  whole: byte for byte the archive that was sent, by the signed end of the export\n"
             : "NOT PROVED WHOLE: without its proof nobody can tell whether papers were taken from it\n",
      facts.current_only ? "current versions only: earlier ones were not asked for\n" : "");
  if (!facts.damaged.empty()) {
    absl::StrAppend(&text, "DAMAGED, and not in it: ", absl::StrJoin(facts.damaged, " "), "\n");
  }
  if (facts.unreadable > 0) {
    absl::StrAppend(&text, "UNREADABLE in the vault's log: ", Grouped(facts.unreadable),
                    facts.unreadable == 1 ? " line" : " lines",
                    "; papers that only they tell of may be missing\n");
  }
  if (facts.unproved > 0) {
    absl::StrAppend(&text, "NOT PROVED: ", Grouped(facts.unproved),
                    facts.unproved == 1 ? " text has" : " texts have",
                    " no receipt, since the deposit does not read\n");
  }
  return text;
}

// Writes what comes, and checks it on the way.
class Taker {
 public:
  Taker(ArchiveFiles& files, std::vector<LogKey> keys, bool quiet)
      : files_(files), file_(files.archive()), keys_(std::move(keys)), quiet_(quiet) {}

  absl::Status Take(const ExportResponse& message) {
    switch (message.response_case()) {
      case ExportResponse::kStart:
        return Start(message.start());
      case ExportResponse::kData:
        if (reader_ == nullptr || ended_) {
          return absl::DataLossError("the export does not begin with its start");
        }
        RETURN_IF_ERROR(file_.Write(message.data()));
        hasher_.Update(message.data());
        RETURN_IF_ERROR(reader_->Write(message.data()));
        progress_->Update(0, file_.size());
        return absl::OkStatus();
      case ExportResponse::kEnd:
        end_ = message.end();
        ended_ = true;
        return absl::OkStatus();
      default:
        return absl::OkStatus();
    }
  }

  /// What is in the archive, once it and its proof are all there and checked.
  absl::StatusOr<VaultExportFacts> Finish() {
    if (reader_ == nullptr || !ended_) {
      return absl::DataLossError("the export is cut: ask for it again");
    }
    if (end_.bytes() != file_.size() || end_.sha256() != hasher_.Finish()) {
      return absl::DataLossError("what came is not what was sent");
    }
    ASSIGN_OR_RETURN(VaultExportFacts facts, reader_->Finish());
    if (facts.export_id != export_id_ || facts.archive_sha256 != end_.archive_sha256()) {
      return absl::DataLossError("the archive is not the one that was announced");
    }
    ASSIGN_OR_RETURN(const std::string proof, FormatReceipt(end_.written().proof()));
    ASSIGN_OR_RETURN(const auto proved, OpenVaultExportProof(proof, NamedKeys(keys_)));
    RETURN_IF_ERROR(CheckProvedWhole(facts, proved));
    RETURN_IF_ERROR(files_.WriteProof(proof));
    return facts;
  }

 private:
  absl::Status Start(const vault::v1::ExportStart& start) {
    if (reader_ != nullptr) {
      return absl::DataLossError("the export began twice");
    }
    export_id_ = start.export_id();
    std::optional<VaultExportKey> key;
    if (!files_.paths().key.empty()) {
      const auto id = Id128::FromHex(start.export_id());
      if (!id.ok() || start.key().size() != 32) {
        return absl::DataLossError("the export is not sealed as asked");
      }
      key = VaultExportKey{*id, Secret(start.key())};
      RETURN_IF_ERROR(files_.WriteKey(FormatVaultExportKey(*key)));
    }
    reader_ = std::make_unique<VaultExportReader>(NamedKeys(keys_), Verifiers(keys_), std::move(key));
    progress_.emplace(start.bytes(), quiet_, clock_, ProgressUnit::kBytes);
    return absl::OkStatus();
  }

  ArchiveFiles& files_;
  PrivateFile& file_;  // the archive
  const std::vector<LogKey> keys_;
  const bool quiet_;
  const SystemClock clock_;
  std::optional<Progress> progress_;
  std::unique_ptr<VaultExportReader> reader_;
  crypto::Sha256Hasher hasher_;
  std::string export_id_;
  vault::v1::ExportEnd end_;
  bool ended_ = false;
};

absl::Status Fetch(Session& session, const ExportOptions& options, Taker& taker) {
  vault::v1::ExportRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_seal(options.seal);
  request.set_current_only(options.current_only);
  ASSIGN_OR_RETURN(const auto channel, session.Channel("vault"));
  const auto stub = ExportService::NewStub(channel);
  grpc::ClientContext call;
  session.Prepare(call, kLongestTransfer);
  CancelledBySignal signals;
  signals.Use(&call);
  const auto stream = stub->Export(&call, request);
  absl::Status taken;
  for (ExportResponse message; taken.ok() && stream->Read(&message);) {
    taken = taker.Take(message);
  }
  if (!taken.ok()) {
    call.TryCancel();
  }
  const grpc::Status status = stream->Finish();
  signals.Use(nullptr);
  if (signals.raised()) {
    return absl::CancelledError("interrupted: an export is asked for again");
  }
  RETURN_IF_ERROR(taken);
  return status.ok() ? absl::OkStatus() : session.Explain("vault", rpc::FromGrpc(status));
}

absl::StatusOr<int> RunExport(Context& context, const ExportOptions& options) {
  if (options.seal && options.file == "-") {
    return absl::InvalidArgumentError("--seal wants a file, to put the key beside it");
  }
  const ArchivePaths paths = PathsOf(options);
  RETURN_IF_ERROR(CheckArchivePaths(paths));
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(std::vector<LogKey> keys, ReadLogKeys(session->settings(), options.keys));
  ASSIGN_OR_RETURN(ArchiveFiles files, ArchiveFiles::Begin(paths));
  Taker taker(files, KeysOfVault(std::move(keys)), session->json());
  const absl::Status fetched = Fetch(*session, options, taker);
  const absl::StatusOr<VaultExportFacts> facts =
      fetched.ok() ? taker.Finish() : absl::StatusOr<VaultExportFacts>(fetched);
  if (const absl::Status kept = facts.ok() ? files.Finish() : facts.status(); !kept.ok()) {
    // A part of an archive proves nothing, and holds papers in clear.
    files.Remove();
    return kept;
  }
  nlohmann::json json = FactsJson(*facts, true);
  json["file"] = options.file;
  json["key"] = paths.key;
  json["proof"] = paths.proof;
  PrintBeside(options.file, context.globals.json, json,
              absl::StrCat(
                  FactsText(*facts, true), options.file, ": ", BytesText(files.archive().size()),
                  options.seal ? absl::StrCat(", sealed; its key: ", paths.key, ", to be carried apart\n")
                               : ", in clear\n",
                  paths.proof.empty()
                      ? "its proof was not kept: --proof names a file for it\n"
                      : absl::StrCat("the proof that it is whole, to be kept with it: ", paths.proof, "\n")));
  return NothingLacks(*facts) ? kExitOk : kExitFindings;
}

// Whether the proof that lies beside the archive, or is named, proves it. False: there is none.
absl::StatusOr<bool> ProvedWhole(const std::optional<std::string>& proof, const VaultExportFacts& facts,
                                 const std::vector<LogKey>& keys) {
  if (!proof.has_value()) {
    return false;
  }
  ASSIGN_OR_RETURN(const auto proved, OpenVaultExportProof(*proof, NamedKeys(keys)));
  RETURN_IF_ERROR(CheckProvedWhole(facts, proved));
  return true;
}

// The text of the proof; nullopt: none is named, and none is beside the archive.
absl::StatusOr<std::optional<std::string>> ReadProof(const ExportOptions& options) {
  const std::string beside = ProofBeside(options.file);
  if (options.proof.empty() && ::access(beside.c_str(), F_OK) != 0) {
    return std::optional<std::string>();
  }
  ASSIGN_OR_RETURN(std::string text,
                   ReadInput(options.proof.empty() ? beside : options.proof, kMostProofBytes));
  return std::optional<std::string>(std::move(text));
}

// A check that failed is the answer, not a failure to answer.
absl::StatusOr<int> RunCheck(Context& context, const ExportOptions& options) {
  ASSIGN_OR_RETURN(const ClientSettings settings, ReadClientSettings(context.globals));
  ASSIGN_OR_RETURN(std::vector<LogKey> keys, ReadLogKeys(settings, options.keys));
  keys = KeysOfVault(std::move(keys));
  std::optional<VaultExportKey> key;
  if (!options.key_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadInput(options.key_file, kMostKeyBytes));
    ASSIGN_OR_RETURN(key, ParseVaultExportKey(text));
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> proof, ReadProof(options));
  RETURN_IF_ERROR(CheckInput(options.file));
  std::ifstream in(options.file, std::ios::binary);
  VaultExportReader reader(NamedKeys(keys), Verifiers(keys), std::move(key));
  std::string piece(kTransferPiece, '\0');
  absl::Status read;
  while (read.ok() &&
         (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)) {
    read = reader.Write(std::string_view(piece).substr(0, static_cast<size_t>(in.gcount())));
  }
  if (read.ok() && !in.eof()) {
    return absl::InvalidArgumentError("cannot read " + options.file);
  }
  const absl::StatusOr<VaultExportFacts> facts =
      read.ok() ? reader.Finish() : absl::StatusOr<VaultExportFacts>(read);
  const absl::StatusOr<bool> proved =
      facts.ok() ? ProvedWhole(proof, *facts, keys) : absl::StatusOr<bool>(facts.status());
  if (!proved.ok()) {
    const std::string why(proved.status().message());
    Print(context.globals.json, nlohmann::json{{"verified", false}, {"failed", why}},
          absl::StrCat("FAILED  ", why, "\n"));
    return kExitFailed;
  }
  Print(context.globals.json, FactsJson(*facts, *proved), FactsText(*facts, *proved));
  return NothingLacks(*facts) ? kExitOk : kExitFindings;
}

}  // namespace

void AddDocumentExport(CLI::App& noun, Context& context) {
  CLI::App& verb = AddVerb(
      noun, "export",
      "all she has in one open archive: every version of every paper, metadata, journal, receipts; exit 3 "
      "when a paper is damaged, or what the log has of her does not all read",
      "relais --as ville-paris/dsol document export HANDLE papiers.tar");
  auto options = std::make_shared<ExportOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  AddOutput(
      verb, "file", options->file,
      "the archive to write, mode 0600, refused where FILE or its proof is there; -: standard output, "
      "once it is whole. Until then FILE.partial, which a command that is killed leaves, with papers in "
      "clear: delete it",
      Dash::kStandardOutput)
      ->required();
  verb.add_flag("--seal", options->seal,
                "sealed under a fresh key, which goes to FILE.key; refused where that is there");
  verb.add_flag("--current-only", options->current_only, "of each paper the current version alone");
  AddOutput(verb, "--proof", options->proof,
            "where the proof of the whole goes: FILE.proof.json unless named");
  AddLogKeys(verb, options->keys);
  OnRunDocument(verb, context, options, RunExport);

  CLI::App& check =
      AddVerb(noun, "check-export",
              "check an archive offline; exit 1 names the check that failed, 3 says that papers "
              "lack or may lack",
              "relais document check-export papiers.tar");
  auto check_options = std::make_shared<ExportOptions>();
  check.add_option("file", check_options->file, "the archive")->required();
  check.add_option("--proof", check_options->proof,
                   "the proof that it is whole; else FILE.proof.json if that is there");
  check.add_option("--key-file", check_options->key_file, "of a sealed one: its FILE.key");
  AddLogKeys(check, check_options->keys);
  OnRun(check, context, check_options, RunCheck);
}

}  // namespace relais::cli
