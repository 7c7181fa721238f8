// `relais document get`: a paper, or a range of it, into a file.
#include <algorithm>
#include <fstream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/refusal.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/output.h"
#include "services/cli/private_file.h"
#include "services/cli/progress.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using vault::v1::DocumentService;
using vault::v1::DownloadResponse;

constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(100);
constexpr char kOfAnotherText[] =
    ": what was gone on with is of another text, or damaged, and is removed; read it anew, without --resume";

struct GetOptions {
  std::string person;
  std::string document;
  std::string file;
  uint32_t version = 0;
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string share;
  bool resume = false;

  /// A part proves its own chunks, not the whole: no hash is compared.
  [[nodiscard]] bool whole() const { return offset == 0 && length == 0; }
  /// Whether what an interruption leaves can be gone on with: the hash of the whole, or its name, says of
  /// what it is a part.
  [[nodiscard]] bool goes_on() const { return whole() || version != 0; }
  /// In the partial's name: of a range which paper, version and first byte, so that no other is joined to it,
  /// and what is left of a whole reading stays.
  [[nodiscard]] std::string mark() const {
    return whole() ? ""
                   : absl::StrCat(".", document, ".", version == 0 ? "range" : absl::StrCat(version), ".",
                                  offset);
  }
};

class Receiver {
 public:
  Receiver(Session& session, PrivateFile& file, const GetOptions& options)
      : session_(session), file_(file), options_(options) {
    *request_.mutable_person() = Person(options.person);
    request_.set_document_id(options.document);
    request_.set_version(options.version);
    request_.set_share_id(options.share);
  }

  /// What is in the file already counts.
  absl::Status Hash(const std::string& partial) {
    std::ifstream in(partial, std::ios::binary);
    std::string piece(kTransferPiece, '\0');
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
      hasher_.Update(std::string_view(piece).substr(0, static_cast<size_t>(in.gcount())));
    }
    return in.eof() ? absl::OkStatus() : absl::InvalidArgumentError("cannot read " + partial);
  }

  /// OK once the file has all, over as many streams as it takes: a permit, a lease or a connection may end
  /// before the paper does. It goes on while bytes come, and until the timeout when none do. CANCELLED after
  /// a signal.
  absl::Status Receive() {
    absl::Time give_up = absl::Now() + session_.timeout();
    while (true) {
      const uint64_t before = file_.size();
      absl::Status received = Once();
      if (received.ok()) {
        return received;
      }
      if (signals_.raised()) {
        return absl::CancelledError("interrupted");
      }
      // CANCELLED by the vault: it waited for us for long, and dropped what we did not take.
      if (!MayHelpAgain(received) && !absl::IsCancelled(received)) {
        return received;
      }
      if (file_.size() > before) {
        give_up = absl::Now() + session_.timeout();
      } else if (absl::Now() >= give_up) {
        return received;
      }
      absl::SleepFor(std::max(kBetweenAttempts, rpc::RetryAfterOf(received).value_or(kBetweenAttempts)));
    }
  }

  absl::Status Compare() {
    return !options_.whole() || hasher_.Finish() == version_.sha256()
               ? absl::OkStatus()
               : absl::DataLossError(absl::StrCat("what came has another hash than version ",
                                                  version_.version(), options_.resume ? kOfAnotherText : ""));
  }
  [[nodiscard]] const vault::v1::DocumentVersion& version() const { return version_; }
  [[nodiscard]] uint64_t wanted() const { return wanted_; }

 private:
  absl::Status Take(const DownloadResponse& message) {
    if (message.has_start()) {
      if (started_) {
        return absl::DataLossError("the stream began twice");
      }
      started_ = true;
      version_ = message.start().version();
      // What follows an interruption is of the same text.
      request_.set_version(version_.version());
      wanted_ = file_.size() + message.start().length();
      if (!progress_.has_value()) {  // else it goes on with the reading
        progress_.emplace(wanted_, session_.json(), clock_, ProgressUnit::kBytes, file_.size());
      }
      return absl::OkStatus();
    }
    if (!started_ || file_.size() + message.data().size() > wanted_) {
      return absl::DataLossError("more came than was announced");
    }
    RETURN_IF_ERROR(file_.Write(message.data()));
    if (options_.whole()) {
      hasher_.Update(message.data());
    }
    progress_->Update(0, file_.size());
    return absl::OkStatus();
  }

  // One stream, from what the file has.
  absl::Status Once() {
    if (started_ && file_.size() == wanted_) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto channel, session_.Channel("vault"));
    const auto stub = DocumentService::NewStub(channel);
    request_.set_offset(options_.offset + file_.size());
    request_.set_length(options_.length == 0 ? 0 : options_.length - std::min(options_.length, file_.size()));
    grpc::ClientContext call;
    session_.Prepare(call, kLongestTransfer);
    signals_.Use(&call);
    started_ = false;
    absl::Status taken;
    {
      const auto stream = stub->Download(&call, request_);
      for (DownloadResponse message; taken.ok() && stream->Read(&message);) {
        taken = Take(message);
      }
      if (!taken.ok()) {
        call.TryCancel();
      }
      const grpc::Status status = stream->Finish();
      if (taken.ok() && !status.ok()) {
        taken = session_.Explain("vault", rpc::FromGrpc(status));
      }
    }
    signals_.Use(nullptr);
    RETURN_IF_ERROR(taken);
    return started_ && file_.size() == wanted_ ? absl::OkStatus()
                                               : absl::UnavailableError("the stream ended before the paper");
  }

  Session& session_;
  PrivateFile& file_;
  const GetOptions& options_;
  vault::v1::DownloadRequest request_;
  vault::v1::DocumentVersion version_;
  uint64_t wanted_ = 0;
  bool started_ = false;
  crypto::Sha256Hasher hasher_;
  const SystemClock clock_;
  std::optional<Progress> progress_;
  CancelledBySignal signals_;
};

absl::StatusOr<PrivateFile> OpenFile(const GetOptions& options) {
  if (!options.resume) {
    return PrivateFile::Begin(options.file, options.mark());
  }
  ASSIGN_OR_RETURN(PrivateFile file, PrivateFile::GoOn(options.file, options.mark()));
  if (options.length == 0 || file.size() < options.length) {
    return file;
  }
  if (file.size() > options.length) {
    return absl::InvalidArgumentError(file.partial() + " has more than that range");
  }
  // It has all: its last byte is read again, for it has to be permitted still, and no length means to the
  // end.
  RETURN_IF_ERROR(file.CutTo(options.length - 1));
  return file;
}

absl::StatusOr<int> RunGet(Context& context, const GetOptions& options) {
  if (options.resume && !options.goes_on()) {
    return absl::InvalidArgumentError(
        "--resume of a range wants --text-version: else two versions could be joined");
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(PrivateFile file, OpenFile(options));
  Receiver receiver(*session, file, options);
  if (file.size() > 0 && options.whole()) {
    RETURN_IF_ERROR(receiver.Hash(file.partial()));
  }
  absl::Status received = receiver.Receive();
  if (absl::IsCancelled(received) || MayHelpAgain(received)) {
    if (file.size() > 0 && !file.partial().empty() && options.goes_on()) {
      if (MayHelpAgain(received)) {
        PrintError(std::cerr, received, context.globals.json);
      }
      return PrintIncomplete(context, "file", file.partial(), file.size(), receiver.wanted(),
                             "the same command with --resume goes on");
    }
    file.Remove();
    return received;
  }
  if (received.ok()) {
    received = receiver.Compare();
  }
  if (!received.ok()) {
    // What she has closed meanwhile, or what is damaged, stays on nobody's disk.
    file.Remove();
    return received;
  }
  RETURN_IF_ERROR(file.Finish());
  const vault::v1::DocumentVersion& version = receiver.version();
  PrintBeside(
      options.file, context.globals.json,
      nlohmann::json{{"file", options.file},
                     {"bytes", file.size()},
                     {"version", nlohmann::json::parse(ToJson(version))},
                     {"hashCompared", options.whole()}},
      absl::StrCat(options.file, ": ", BytesText(file.size()), " of version ", version.version(), ", ",
                   Printable(version.media_type()), options.whole() ? ", hash compared\n" : "\n"));
  return kExitOk;
}

}  // namespace

void AddDocumentGet(CLI::App& noun, Context& context) {
  CLI::App& verb = AddVerb(noun, "get", "read a paper, or a range of it, into a file",
                           "relais --as ville-paris/dsol document get HANDLE DOCUMENT carte.pdf");
  auto options = std::make_shared<GetOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("document", options->document, "the paper, 32 hexadecimal digits")->required();
  AddOutput(
      verb, "file", options->file,
      "the file to write, mode 0600; -: standard output, once it is whole. Until then FILE.partial (of a "
      "range FILE.DOCUMENT.VERSION.OFFSET.partial, VERSION being `range` when none is named), which an "
      "interruption leaves, in clear: go on with it or delete it",
      Dash::kStandardOutput)
      ->required();
  verb.add_option("--text-version", options->version,
                  "which version; default the current one. A range is gone on with of a named one alone");
  verb.add_option("--offset", options->offset, "first byte");
  verb.add_option("--length", options->length, "bytes; default to the end");
  verb.add_option("--share", options->share, "under which share; default whichever allows it");
  verb.add_flag("--resume", options->resume,
                "go on with what an interrupted reading left; of a range with --text-version");
  OnRunDocument(verb, context, options, RunGet);
}

}  // namespace relais::cli
