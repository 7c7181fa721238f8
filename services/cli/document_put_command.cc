// `relais document put`: a paper is deposited, resumed from what the vault already has.
#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/call.h"
#include "common/rpc/refusal.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "services/cli/document_verbs.h"
#include "services/cli/exit_code.h"
#include "services/cli/journal_text.h"
#include "services/cli/output.h"
#include "services/cli/paper_source.h"
#include "services/cli/progress.h"
#include "services/cli/receipt.h"
#include "services/cli/session.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

using vault::v1::DocumentService;
using vault::v1::Upload;

constexpr absl::Duration kCompletePatience = absl::Minutes(10);
constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(100);

struct PutOptions {
  std::string person;
  std::string file;
  DescriptionOptions description;
  std::string media_type;
  std::string document;
  bool allow_duplicate = false;
  std::string drop_host;
  std::string drop_purpose;
  std::string resume;
  std::string receipt;
  std::string request_id;
};

// One upload, from what is committed to the end, over as many streams as it takes.
class Sender {
 public:
  Sender(Session& session, PaperSource& source, const PutOptions& options, Upload& upload)
      : session_(session),
        source_(source),
        person_(Person(options.person)),
        upload_(upload),
        progress_(source.size(), session.json(), clock_, ProgressUnit::kBytes, upload.committed()) {}

  /// OK once all is durable; `upload` is as the service last said. CANCELLED after a signal.
  absl::Status Send() {
    absl::Time give_up = absl::Now() + session_.timeout();
    while (true) {
      const uint64_t before = upload_.committed();
      absl::Status sent = Once();
      if (sent.ok() && upload_.committed() == source_.size()) {
        return sent;
      }
      if (signals_.raised()) {
        return absl::CancelledError("interrupted");
      }
      const bool elsewhere = rpc::ReasonOf(sent) == common::v1::ERROR_REASON_OFFSET_MISMATCH;
      if (!sent.ok() && !elsewhere && !MayHelpAgain(sent)) {
        return sent;
      }
      absl::Status asked = Query();  // perhaps it is only coming back
      if (!asked.ok() && !MayHelpAgain(asked)) {
        return asked;
      }
      if (upload_.committed() > before) {
        give_up = absl::Now() + session_.timeout();
      } else if (absl::Now() >= give_up) {
        return sent.ok() ? absl::UnavailableError("the vault takes no more bytes") : sent;
      }
      absl::SleepFor(std::max(kBetweenAttempts, rpc::RetryAfterOf(sent).value_or(kBetweenAttempts)));
    }
  }

 private:
  // Nothing that is sent again would help.
  static absl::Status BecameShorter() {
    return absl::InvalidArgumentError(
        "the file became shorter while it was sent, or cannot be read any more: nothing of it is deposited");
  }

  absl::Status Query() {
    vault::v1::QueryUploadRequest request;
    *request.mutable_person() = person_;
    request.set_upload_id(upload_.upload_id());
    ASSIGN_OR_RETURN(const auto response,
                     session_.Call<DocumentService>(&DocumentService::Stub::QueryUpload, request));
    upload_ = response.upload();
    return absl::OkStatus();
  }

  // One stream.
  absl::Status Once() {
    if (!source_.SeekTo(upload_.committed())) {
      return BecameShorter();
    }
    ASSIGN_OR_RETURN(const auto channel, session_.Channel("vault"));
    const auto stub = DocumentService::NewStub(channel);
    grpc::ClientContext call;
    session_.Prepare(call, kLongestTransfer);
    signals_.Use(&call);
    vault::v1::UploadResponse response;
    const auto stream = stub->Upload(&call, &response);
    vault::v1::UploadRequest message;
    *message.mutable_open()->mutable_person() = person_;
    message.mutable_open()->set_upload_id(upload_.upload_id());
    message.mutable_open()->set_offset(upload_.committed());
    uint64_t sent = upload_.committed();
    bool going = stream->Write(message);
    bool shorter = false;
    while (going && sent < source_.size() && !shorter) {
      const uint64_t most = std::min<uint64_t>(kTransferPiece, source_.size() - sent);
      shorter = !source_.Read(static_cast<size_t>(most), *message.mutable_data());
      going = !shorter && stream->Write(message);
      sent += message.data().size();
      progress_.Update(0, sent);
    }
    if (shorter) {
      call.TryCancel();
    }
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    signals_.Use(nullptr);
    if (shorter) {
      return BecameShorter();
    }
    if (!status.ok()) {
      return session_.Explain("vault", rpc::FromGrpc(status));
    }
    upload_ = response.upload();
    return absl::OkStatus();
  }

  Session& session_;
  PaperSource& source_;
  const common::v1::PersonRef person_;
  Upload& upload_;
  const SystemClock clock_;
  Progress progress_;
  CancelledBySignal signals_;
};

absl::StatusOr<Upload> Begin(Session& session, const PutOptions& options,
                             const vault::v1::Description& description, const PaperSource& source) {
  vault::v1::BeginUploadRequest request;
  request.set_request_id(RequestId(options.request_id));
  *request.mutable_person() = Person(options.person);
  *request.mutable_description() = description;
  request.set_size(source.size());
  request.set_sha256(source.sha256());
  request.set_media_type(options.media_type);
  request.set_document_id(options.document);
  request.set_allow_duplicate(options.allow_duplicate);
  if (!options.drop_host.empty()) {
    *request.mutable_drop()->mutable_host() = ParseParty(options.drop_host);
    request.mutable_drop()->set_purpose(options.drop_purpose);
  }
  ASSIGN_OR_RETURN(const auto response,
                   session.Call<DocumentService>(&DocumentService::Stub::BeginUpload, request));
  return response.upload();
}

absl::StatusOr<Upload> GoOn(Session& session, const PutOptions& options, const PaperSource& source) {
  vault::v1::QueryUploadRequest request;
  *request.mutable_person() = Person(options.person);
  request.set_upload_id(options.resume);
  ASSIGN_OR_RETURN(const auto response,
                   session.Call<DocumentService>(&DocumentService::Stub::QueryUpload, request));
  RETURN_IF_ERROR(CheckGoesOn(response.upload(), source.size(), source.sha256()));
  return response.upload();
}

// Under the upload's own id: whoever completes it, and however often, it is one act.
absl::StatusOr<vault::v1::CompleteUploadResponse> Complete(Session& session, const PutOptions& options,
                                                           const Upload& upload, const PaperSource& source) {
  vault::v1::CompleteUploadRequest request;
  request.set_request_id(upload.upload_id());
  *request.mutable_person() = Person(options.person);
  request.set_upload_id(upload.upload_id());
  request.set_sha256(source.sha256());
  request.set_want_proof(!options.receipt.empty());
  return session.Call<DocumentService>(&DocumentService::Stub::CompleteUpload, request, kCompletePatience);
}

// The receipt is not written over the paper, nor is what it is until it is whole (pki::WriteFileDurably).
absl::Status CheckReceiptApart(const PutOptions& options) {
  const bool over = !options.receipt.empty() && (NameOneFile(options.receipt, options.file) ||
                                                 NameOneFile(options.receipt + ".new", options.file));
  return over ? absl::InvalidArgumentError("--receipt would be written over the paper: name another file")
              : absl::OkStatus();
}

absl::StatusOr<int> RunPut(Context& context, const PutOptions& options) {
  if (options.drop_host.empty() != options.drop_purpose.empty()) {
    return absl::InvalidArgumentError("--drop-to and --purpose go together");
  }
  ASSIGN_OR_RETURN(const vault::v1::Description description, ParseDescription(options.description));
  RETURN_IF_ERROR(CheckReceiptApart(options));
  ASSIGN_OR_RETURN(PaperSource source, PaperSource::Open(options.file));
  if (source.size() == 0) {
    return absl::InvalidArgumentError(absl::StrCat("the paper is empty: nothing comes from ", options.file));
  }
  ASSIGN_OR_RETURN(const auto session, Session::Open(context.globals));
  ASSIGN_OR_RETURN(Upload upload, options.resume.empty() ? Begin(*session, options, description, source)
                                                         : GoOn(*session, options, source));
  const auto incomplete = [&] {
    return PrintIncomplete(context, "uploadId", upload.upload_id(), upload.committed(), source.size(),
                           absl::StrCat("the same command with --resume ", upload.upload_id(),
                                        options.file == "-" ? " goes on, given the same bytes" : " goes on"));
  };
  if (upload.state() == Upload::STATE_OPEN && upload.committed() < source.size()) {
    const absl::Status sent = Sender(*session, source, options, upload).Send();
    if (absl::IsCancelled(sent) || MayHelpAgain(sent)) {
      if (MayHelpAgain(sent)) {
        PrintError(std::cerr, sent, context.globals.json);
      }
      return incomplete();
    }
    RETURN_IF_ERROR(sent);
  }
  const auto response = Complete(*session, options, upload, source);
  if (MayHelpAgain(response.status())) {
    PrintError(std::cerr, response.status(), context.globals.json);
    return incomplete();
  }
  RETURN_IF_ERROR(response.status());
  RETURN_IF_ERROR(WriteReceipt(options.receipt, response->written().proof()));
  Print(context.globals.json, *response,
        absl::StrCat("document ", response->document().document_id(), " version ", response->version(), ", ",
                     BytesText(source.size()), "\n"));
  SayIfExpired(session->settings(), description);
  return kExitOk;
}

}  // namespace

absl::Status CheckGoesOn(const Upload& upload, uint64_t size, const std::string& sha256) {
  if (upload.size() != size) {
    return absl::InvalidArgumentError(
        absl::StrCat("that upload is of ", BytesText(upload.size()), ", the file has ", BytesText(size)));
  }
  if (upload.state() == Upload::STATE_ENDED) {
    return absl::FailedPreconditionError(absl::StrCat("that upload ended: ", EndedText(upload.reason()),
                                                      "; deposit the paper anew, without --resume"));
  }
  if (!upload.sha256().empty() && upload.sha256() != sha256) {
    return absl::InvalidArgumentError(
        "that upload is of another file of the same size: its hash differs; nothing was sent");
  }
  return absl::OkStatus();
}

void AddDocumentPut(CLI::App& noun, Context& context) {
  CLI::App& verb =
      AddVerb(noun, "put", "deposit a paper; what was interrupted goes on where it stood",
              "relais --as ville-paris/dsol document put HANDLE carte.pdf --type identity-card --title "
              "'Carte d’identité' --expires 2031-05-02 --receipt recu.json");
  auto options = std::make_shared<PutOptions>();
  verb.add_option("person", options->person, "her handle")->required();
  verb.add_option("file", options->file,
                  "PDF, JPEG, PNG, TIFF, HEIF, WebP or plain text; -: standard input, to its end")
      ->required();
  AddDescription(verb, options->description);
  verb.add_option("--media-type", options->media_type, "what you take it for; refused if it is not");
  verb.add_option("--document", options->document, "the paper of which this is a later text");
  verb.add_flag("--allow-duplicate", options->allow_duplicate, "although the same text is already there");
  verb.add_option("--drop-to", options->drop_host,
                  "not her host: one of her hosts, to whose attention it goes");
  verb.add_option("--purpose", options->drop_purpose, "with --drop-to: a purpose of the directory");
  verb.add_option("--resume", options->resume, "go on with an upload that was interrupted: its id");
  AddOutput(verb, "--receipt", options->receipt, "write the deposit receipt here, JSON");
  verb.add_option("--request-id", options->request_id, "repeat a request under its id");
  OnRunDocument(verb, context, options, RunPut);
}

}  // namespace relais::cli
