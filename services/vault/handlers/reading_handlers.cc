#include "services/vault/handlers/reading_handlers.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"

namespace relais::vault {
namespace {

constexpr int kTriesToBegin = 5;
constexpr size_t kPiecesAhead = 2;  // that WriteBehind holds besides the one that goes out

v1::DownloadRequest AsDownload(const v1::ReadRangeRequest& range) {
  v1::DownloadRequest request;
  *request.mutable_person() = range.person();
  request.set_document_id(range.document_id());
  request.set_version(range.version());
  request.set_offset(range.offset());
  request.set_length(range.length());
  request.set_share_id(range.share_id());
  return request;
}

}  // namespace

struct ReadingHandlers::Begun {
  ReadingRight right;
  v1::DocumentVersion version;
  PaperText text;
  ByteRange range;
  uint64_t next = 0;  // piece
  uint64_t end = 0;   // exclusive
  uint64_t sent = 0;  // bytes handed to the connection

  // How many bytes of the range lie in the next piece.
  [[nodiscard]] size_t NextSize() const { return text.Part(next, range).length(); }

  // Reads these to `out`, which has their length; they are genuine, and where they belong in this version's
  // text (ADR 34). Any failure: Papers::Damaged.
  absl::Status Next(std::span<char> out) {
    absl::Status read = text.ReadInto(next, range, out);
    if (!read.ok()) {
      return absl::IsNotFound(read) || absl::IsDataLoss(read) ? Papers::Damaged() : read;
    }
    ++next;
    return read;
  }

  // After so many messages, DownloadStart the first of them.
  void Sent(uint64_t messages) {
    const uint64_t first = PaperText::PiecesOf(range).first;
    sent = messages < 2 ? 0 : std::min(range.end, (first + messages - 1) * kPieceSize) - range.begin;
  }

  [[nodiscard]] v1::DownloadStart Start() const {
    v1::DownloadStart start;
    *start.mutable_version() = version;
    start.set_offset(range.begin);
    start.set_length(range.length());
    if (!right.hers()) {
      start.set_permit_id(right.permit_id);
      *start.mutable_permit_expires() = ToProto(right.permit_expires);
    }
    return start;
  }
};

Task<absl::StatusOr<std::shared_ptr<ReadingHandlers::Begun>>> ReadingHandlers::Begin(
    rpc::Call call, v1::DownloadRequest request) {
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  ReadWanted wanted;
  wanted.person = person;
  CO_ASSIGN_OR_RETURN(wanted.document, Id128::FromHex(request.document_id()));
  wanted.version = request.version();
  if (!request.share_id().empty()) {
    CO_ASSIGN_OR_RETURN(wanted.share, Id128::FromHex(request.share_id()));
  }
  absl::StatusOr<std::shared_ptr<Begun>> begun = absl::AbortedError("not tried");
  for (int i = 0; i < kTriesToBegin && absl::IsAborted(begun.status()); ++i) {
    auto tried = co_await TryBegin(call, wanted, request.offset(), request.length());
    begun = std::move(tried);
  }
  if (!begun.ok()) {
    Attempt attempt{v1::JournalEntry::ACT_READ, request.document_id()};
    absl::Status refused =
        co_await vault_.access.Refused(std::move(call), person, std::move(attempt), begun.status());
    co_return refused;
  }
  co_return begun;
}

Task<absl::StatusOr<std::shared_ptr<ReadingHandlers::Begun>>> ReadingHandlers::TryBegin(rpc::Call call,
                                                                                        ReadWanted wanted,
                                                                                        uint64_t offset,
                                                                                        uint64_t length) {
  co_await ResumeOn(vault_.context.executor);  // rows may have to come from the disk
  CO_ASSIGN_OR_RETURN(ReadingRight right, co_await rights_.Of(call, wanted));
  const v1::StoredVersion* stored = VersionOf(right.document.value, wanted.version);
  if (stored == nullptr) {
    co_return rpc::NoSuchOrNotYours();
  }
  const VersionName name{right.person, right.document_id, stored->version().version()};
  auto text = vault_.papers.Open(name, *stored);
  if (absl::IsNotFound(text.status()) || absl::IsDataLoss(text.status())) {
    // Her keys may have been rotated since the record was read: one that has changed is judged anew.
    const auto now = vault_.store.Document(right.person, right.document_id);
    if (now.ok() && (!now->has_value() || (*now)->version != right.document.version)) {
      co_return absl::AbortedError("the record has changed");
    }
    co_return Papers::Damaged();
  }
  CO_RETURN_IF_ERROR(text.status());
  const ByteRange range = ClipRange(text->size(), offset, length);
  const v1::DocumentVersion version = stored->version();
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  const Acting acting{call, actor, "", right.person, right.relation()};
  audit::Event event = ReadEvent(acting, right.document_id, right.document.value, version.version(),
                                 range.begin, range.length(), right.under());
  std::vector<ReadingRight> rights{right};
  const absl::Status recorded = co_await rights_.Record(call, std::move(rights), std::move(event));
  CO_RETURN_IF_ERROR(recorded);
  const PaperText::Touched pieces = PaperText::PiecesOf(range);
  auto begun = std::make_shared<Begun>(
      Begun{std::move(right), version, *std::move(text), range, pieces.first, pieces.end});
  co_return begun;
}

Task<absl::Status> ReadingHandlers::Download(rpc::Call call, v1::DownloadRequest request,
                                             std::shared_ptr<rpc::Writer<v1::DownloadResponse>> out) {
  CO_ASSIGN_OR_RETURN(std::shared_ptr<Begun> begun, co_await Begin(call, std::move(request)));
  // One that waits for its client is ended where it waits.
  begun->right.open->WhenCut([out](absl::Status why) { out->End(std::move(why)); });
  if (!begun->right.hers()) {
    vault_.streams.StartAsking(KeepPermitted(call, begun->right));
  }
  Lookahead::Held held = vault_.lookahead.Of(call.caller.institution);
  absl::Status sent = co_await Send(begun, std::move(out), held);
  begun->right.open->WhenCut(nullptr);
  const std::optional<std::string> cause = begun->right.open->WhyCut();
  begun->right.open->Over();
  if (!sent.ok() && cause.has_value()) {
    sent = co_await Cut(std::move(call), std::move(begun), *cause);
  } else if (rpc::ReasonOf(sent) == common::v1::ERROR_REASON_DOCUMENT_DAMAGED) {
    std::string damaged = "DAMAGED";
    sent = co_await Cut(std::move(call), std::move(begun), std::move(damaged));
  }
  co_return sent;
}

// Without an answer it goes on to its permit's end, and its client asks again.
Task<bool> ReadingHandlers::KeepPermitted(rpc::Call call, ReadingRight given) {
  const ReadingRight right = std::move(given);  // off the list before this counts as ended
  absl::Status asked;
  while (asked.ok()) {
    const bool permit_ends = co_await right.open->PermitEnds();
    if (!permit_ends) {
      break;
    }
    asked = co_await rights_.AskAnew(call, right);
  }
  co_return asked.ok();
}

Task<absl::Status> ReadingHandlers::Send(std::shared_ptr<Begun> begun,
                                         std::shared_ptr<rpc::Writer<v1::DownloadResponse>> out,
                                         Lookahead::Held& held) {
  // The last look, in memory, before a piece leaves (ADR 35); the one before it has gone.
  const auto may = [open = begun->right.open, first = true]() mutable {
    if (!std::exchange(first, false)) {
      open->Went();
    }
    return !open->WhyCut().has_value();
  };
  rpc::WriteBehind<v1::DownloadResponse> writing(vault_.context.executor, std::move(out), may);
  const absl::Status given = co_await GiveAll(*begun, writing, held);
  const bool went = co_await writing.Finish();
  begun->Sent(writing.written());
  CO_RETURN_IF_ERROR(given);
  co_return went ? absl::OkStatus() : absl::CancelledError("the client is gone");
}

// Pieces are read and opened while others go out (`ahead`), or one by one, into the messages of those that
// went.
Task<absl::Status> ReadingHandlers::GiveAll(Begun& begun, rpc::WriteBehind<v1::DownloadResponse>& writing,
                                            Lookahead::Held& held) {
  bool ahead = held.Hold(kPiecesAhead);
  v1::DownloadResponse first;
  *first.mutable_start() = begun.Start();
  bool going = co_await writing.Write(std::move(first));
  co_await ResumeOn(vault_.context.executor);  // Write goes on there too
  while (going && begun.next < begun.end) {
    v1::DownloadResponse message = writing.TakeWritten();
    message.mutable_data()->resize(begun.NextSize());
    CO_RETURN_IF_ERROR(begun.Next(*message.mutable_data()));
    going = co_await writing.Write(std::move(message));
    ahead = ahead || held.Hold(kPiecesAhead);
    if (!ahead) {
      going = co_await writing.Finish();
    }
  }
  co_return going ? absl::OkStatus() : absl::CancelledError("the client is gone");
}

// The stream has stopped already.
Task<absl::Status> ReadingHandlers::Cut(rpc::Call call, std::shared_ptr<Begun> begun, std::string cause) {
  const ReadingRight& right = begun->right;
  absl::Status told = cause == "DAMAGED" ? Papers::Damaged() : StatusOfCut(cause);
  const auto actor = rpc::ActorOf(call, nullptr);
  if (!actor.ok()) {
    co_return told;
  }
  const Acting acting{call, *actor, "", right.person, right.relation()};
  auto draft = vault_.context.log.Draft(ReadCutEvent(acting, right.document_id, right.document.value,
                                                     begun->version.version(), right.under().share_id, cause,
                                                     begun->sent));
  absl::Status written = draft.status();
  if (draft.ok()) {
    storage::CommitRequest commit;
    commit.partition = VaultStore::PersonPartition(right.person);
    commit.leaves.push_back(*std::move(draft));
    const auto done = co_await vault_.context.store.Commit(std::move(commit));
    written = done.status();
  }
  if (!written.ok() && !audit::IsErased(written)) {
    log::Error("the leaf of a reading that was cut could not be written", {log::Field::Code(written)});
  }
  co_return told;
}

Task<absl::StatusOr<v1::ReadRangeResponse>> ReadingHandlers::ReadRange(rpc::Call call,
                                                                       v1::ReadRangeRequest request) {
  v1::DownloadRequest wanted = AsDownload(request);
  CO_ASSIGN_OR_RETURN(std::shared_ptr<Begun> begun, co_await Begin(call, std::move(wanted)));
  v1::ReadRangeResponse response;
  *response.mutable_start() = begun->Start();
  co_await ResumeOn(vault_.context.executor);
  response.mutable_data()->resize(begun->range.length());
  std::span<char> rest(*response.mutable_data());
  absl::Status read;
  while (read.ok() && begun->next < begun->end) {
    const size_t size = begun->NextSize();
    read = begun->Next(rest.first(size));
    rest = rest.subspan(size);
  }
  if (const auto cause = begun->right.open->WhyCut(); cause.has_value()) {
    absl::Status cut = co_await Cut(std::move(call), std::move(begun), *cause);
    co_return cut;
  }
  if (rpc::ReasonOf(read) == common::v1::ERROR_REASON_DOCUMENT_DAMAGED) {
    std::string damaged = "DAMAGED";
    absl::Status cut = co_await Cut(std::move(call), std::move(begun), std::move(damaged));
    co_return cut;
  }
  CO_RETURN_IF_ERROR(read);
  co_return response;
}

}  // namespace relais::vault
