#include "services/vault/handlers/upload_handlers.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/events.h"
#include "services/vault/format/pieces.h"
#include "services/vault/handlers/access.h"
#include "services/vault/sums.h"

namespace relais::vault {
namespace {

using common::v1::ERROR_REASON_INTERRUPTED_TOO_OFTEN;
using common::v1::ERROR_REASON_OFFSET_MISMATCH;
constexpr absl::Duration kOtherWriter = absl::Seconds(5);
constexpr v1::JournalEntry::Act kAct = v1::JournalEntry::ACT_UPLOAD;

absl::StatusOr<VersionName> NameOf(const OwnUpload& upload) {
  ASSIGN_OR_RETURN(const Id128 document, IdOf(upload.stored.value.document()));
  return VersionName{upload.person, document, upload.stored.value.version()};
}

// For a leaf: 32 hexadecimal digits.
std::string PaperOf(const OwnUpload& upload) {
  const auto document = Id128::FromBytes(upload.stored.value.document());
  return document.ok() ? document->ToHex() : std::string();
}

v1::UploadRequest::RequestCase What(const std::optional<v1::UploadRequest>& message) {
  return message.has_value() ? message->request_case() : v1::UploadRequest::REQUEST_NOT_SET;
}

// Its bytes are others than they were when this stream looked.
absl::Status Overtaken() {
  return WrongState("the upload", "ENDED, or sent by another stream", "take the bytes of this one");
}

}  // namespace

absl::StatusOr<bool> IsHost(const VaultStore& store, const Id128& person, std::string_view institution,
                            absl::Time now) {
  ASSIGN_OR_RETURN(const auto host, store.Host(person, institution));
  return host.has_value() && ActsForHer(host->value, now);
}

absl::Status MayKnow(const Vault& vault, const rpc::Call& call, const Id128& person,
                     std::string_view depositor, bool drop) {
  if (depositor.empty() || depositor != call.caller.institution) {
    return rpc::NoSuchOrNotYours();
  }
  return drop ? absl::OkStatus() : vault.access.Host(call, person).status();
}

absl::StatusOr<OwnUpload> FindUpload(const Vault& vault, const rpc::Call& call,
                                     const common::v1::PersonRef& person, std::string_view upload_id,
                                     UploadUse use) {
  OwnUpload own;
  ASSIGN_OR_RETURN(own.person, rpc::PersonOf(vault.context, call, person, "person"));
  ASSIGN_OR_RETURN(own.actor, rpc::ActorOf(call, nullptr));
  const auto id = Id128::FromHex(upload_id);
  if (!id.ok()) {
    return rpc::InvalidField("upload_id", "must be 32 hexadecimal digits");
  }
  own.id = *id;
  auto read = vault.store.Upload(own.person, own.id);
  if (!read.ok() || !read->has_value()) {
    ASSIGN_OR_RETURN(own.person, NameOfUpload(vault, own.person, upload_id));
    read = vault.store.Upload(own.person, own.id);
  }
  RETURN_IF_ERROR(vault.access.WhyUnreadable(call, own.person, read.status()));
  std::optional<Stored<v1::StoredUpload>> stored = *std::move(read);
  if (!stored.has_value()) {
    return rpc::NoSuchOrNotYours();
  }
  const std::string& depositor = stored->value.depositor().institution();
  const bool drop = stored->value.has_drop_host();
  if (use == UploadUse::kGiveUp && drop && depositor != call.caller.institution) {
    ASSIGN_OR_RETURN(own.host, vault.access.Host(call, own.person));
  } else {
    RETURN_IF_ERROR(MayKnow(vault, call, own.person, depositor, drop));
  }
  own.stored = *std::move(stored);
  return own;
}

Task<absl::StatusOr<EnteredUpload>> EnterUpload(const Vault& vault, rpc::Call call,
                                                common::v1::PersonRef person, std::string upload_id) {
  CO_ASSIGN_OR_RETURN(const OwnUpload found, FindUpload(vault, call, person, upload_id));
  auto place = vault.writers.Enter(found.id);
  if (!place.has_value()) {
    // A connection that is gone may not know it yet: the newer one goes on.
    const bool ended = co_await vault.writers.Interrupt(found.id, kOtherWriter);
    if (ended) {
      auto second = vault.writers.Enter(found.id);
      if (second.has_value()) {
        place.emplace(*std::move(second));
      }
    }
  }
  if (!place.has_value()) {
    co_return WrongState("the upload", "OPEN and sent by another stream", "be sent or completed by this one");
  }
  CO_ASSIGN_OR_RETURN(OwnUpload upload, FindUpload(vault, call, person, upload_id));
  co_return EnteredUpload{std::move(upload), *std::move(place)};
}

Task<absl::StatusOr<storage::LeafRange>> EndUpload(const Vault& vault, rpc::Call call, rpc::Actor actor,
                                                   Id128 person, Id128 id, Ending ending) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) {
      const absl::Duration pause = PauseBeforeTry(vault.context.random, i);
      co_await Sleep(vault.context.executor, pause);
    }
    CO_ASSIGN_OR_RETURN(const auto upload, vault.store.Upload(person, id));
    if (!upload.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_ASSIGN_OR_RETURN(Sums sums, SumsOf(vault, person));
    Release(upload->value.size(), sums.usage.value);
    const Acting acting{call, actor, ending.request_id, person,
                        upload->value.has_drop_host() && !ending.by_host ? kAsNobody : kAsHost};
    audit::Event event = UploadEvent(acting, id, upload->value, v1::Upload::STATE_ENDED, ending.reason);
    event.event_id = ending.event_id;
    CO_ASSIGN_OR_RETURN(auto draft, vault.context.log.Draft(std::move(event)));
    storage::CommitRequest commit;
    commit.leaves.push_back(std::move(draft));
    CO_RETURN_IF_ERROR(PutSums(vault, person, sums, commit));
    CO_RETURN_IF_ERROR(
        vault.store.EndUpload(person, id, *upload, v1::Upload::STATE_ENDED, ending.reason, commit));
    if (ending.also) {
      ending.also(commit);
    }
    const auto done = co_await vault.context.store.Commit(std::move(commit));
    if (done.ok()) {
      co_return done->leaves;
    }
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return TooManyAtOnce();
}

// ---- bytes

Task<absl::StatusOr<v1::UploadResponse>> UploadHandlers::Upload(
    rpc::Call call, std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream) {
  const std::optional<v1::UploadRequest> first = co_await stream->Read();
  if (What(first) != v1::UploadRequest::kOpen) {
    co_return rpc::InvalidField("open", "must come first, once");
  }
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  auto entered = co_await EnterUpload(vault_, call, first->open().person(), first->open().upload_id());
  if (!entered.ok()) {
    const auto person = rpc::PersonOf(vault_.context, call, first->open().person(), "open.person");
    CO_RETURN_IF_ERROR(person.status());
    CO_ASSIGN_OR_RETURN(rpc::Actor actor, rpc::ActorOf(call, nullptr));
    const absl::Status said = co_await vault_.access.Refused(std::move(call), std::move(actor), *person, kAct,
                                                             "", entered.status());
    co_return said;
  }
  const OwnUpload& upload = entered->upload;
  absl::Status took =
      co_await TakeBytes(call, upload, entered->place, first->open().offset(), std::move(stream));
  if (!took.ok()) {
    const absl::Status said = co_await vault_.access.Refused(std::move(call), upload.actor, upload.person,
                                                             kAct, PaperOf(upload), std::move(took));
    co_return said;
  }
  v1::UploadResponse response;
  CO_ASSIGN_OR_RETURN(*response.mutable_upload(), Now(upload));
  co_return response;
}

// The writer where they go. What speaks against that many bytes from `offset` on is the status.
absl::StatusOr<PaperWriter> UploadHandlers::WriterAt(const OwnUpload& upload, uint64_t offset,
                                                     uint64_t length) const {
  const v1::StoredUpload& stored = upload.stored.value;
  ASSIGN_OR_RETURN(const VersionName name, NameOf(upload));
  ASSIGN_OR_RETURN(PaperWriter writer, vault_.papers.Write(name, upload.id, stored));
  if (Expired(stored, writer.head(), vault_.context.clock.Now(), vault_.settings.uploads)) {
    return WrongState("the upload", "past its time", "take bytes");
  }
  const Refusal refusal = JudgeBytes(stored, writer.head(), offset, length);
  if (refusal == ERROR_REASON_OFFSET_MISMATCH) {
    return rpc::WithNextStep(StatusOf(*refusal),
                             absl::StrCat("go on from byte ", CommittedOf(writer.head())));
  }
  if (refusal.has_value()) {
    return StatusOf(*refusal);
  }
  return writer;
}

// Gives the writer the run that the call before left, and what is known of the text up to there.
// INTERRUPTED_TOO_OFTEN, and the upload has ended, when no byte can follow any more.
Task<absl::StatusOr<std::optional<TextSoFar>>> UploadHandlers::TakeUp(rpc::Call call, OwnUpload upload,
                                                                      PaperWriter& writer) {
  KeptUpload kept = vault_.writers.Take(upload.id);
  if (kept.run.has_value()) {
    writer.GoOn(*std::move(kept.run));
  }
  if (!writer.MayAppend()) {
    Ending ending;
    ending.reason = rpc::ReasonName(ERROR_REASON_INTERRUPTED_TOO_OFTEN);
    const auto ended = co_await EndUpload(vault_, std::move(call), upload.actor, upload.person, upload.id,
                                          std::move(ending));
    CO_RETURN_IF_ERROR(ended.status());
    co_return StatusOf(ERROR_REASON_INTERRUPTED_TOO_OFTEN);
  }
  const uint64_t committed = CommittedOf(writer.head());
  if (committed == 0) {
    co_return std::optional<TextSoFar>(NothingYet());
  }
  if (kept.text.has_value() && kept.text->bytes != committed) {
    kept.text.reset();
  }
  co_return std::move(kept.text);
}

Task<absl::Status> UploadHandlers::TakeBytes(rpc::Call call, OwnUpload upload, UploadWriters::Place& place,
                                             uint64_t offset,
                                             std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream) {
  CO_ASSIGN_OR_RETURN(PaperWriter writer, WriterAt(upload, offset, 0));
  Lookahead::Held held = vault_.lookahead.Of(call.caller.institution);
  CO_ASSIGN_OR_RETURN(std::optional<TextSoFar> text, co_await TakeUp(std::move(call), upload, writer));
  place.WhenUnwanted(
      [stream] { stream->End(absl::AbortedError("another stream goes on with this upload")); });
  PieceStream pieces(vault_.context.executor, writer, std::move(text));
  const PieceAssembler assembler(upload.stored.value.size(), offset);
  const absl::Status pumped = co_await Pump(pieces, assembler, place, held, std::move(stream));
  const absl::Status durable = co_await pieces.Finish();
  vault_.writers.Keep(upload.id, pieces.Take(), vault_.context.clock.Now());
  CO_RETURN_IF_ERROR(pumped);
  co_return absl::IsAborted(durable) ? Overtaken() : durable;
}

// Until the client ends the stream. What came of whole pieces is given on, whatever ends it. Where there is
// no room for one that came it is given on at once with those that wait, and all are durable before more is
// read: no more than what one message completed is held and not counted. `held` is of those that wait; of
// those whose commit is under way the commit holds it.
Task<absl::Status> UploadHandlers::Pump(PieceStream& pieces, PieceAssembler assembler,
                                        UploadWriters::Place& place, Lookahead::Held& held,
                                        std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream) {
  std::vector<PieceAssembler::Piece> pending;
  absl::Status status;
  while (status.ok() && !place.Unwanted()) {
    std::optional<v1::UploadRequest> message = co_await stream->Read();
    if (!message.has_value()) {
      break;
    }
    if (What(message) != v1::UploadRequest::kData) {
      status = rpc::InvalidField("data", "must follow, and nothing else");
      break;
    }
    const Refusal refusal = assembler.Add(message->data(), pending);
    if (refusal.has_value()) {
      status = StatusOf(*refusal);
      break;
    }
    message.reset();  // not while its pieces become durable
    if (pending.empty()) {
      continue;
    }
    const bool fits = held.Hold(pending.size());
    const bool waits = pending.size() < vault_.settings.commit_pieces && !pending.back().last;
    if (waits && fits) {
      continue;
    }
    std::vector<PieceAssembler::Piece> whole = std::exchange(pending, {});
    std::shared_ptr<Lookahead::Held> room = held.HandOver();
    status = co_await pieces.Give(std::move(whole), std::move(room));  // those before are durable
    if (status.ok() && !fits) {
      status = co_await pieces.Finish();
    }
  }
  if (!pending.empty()) {
    std::shared_ptr<Lookahead::Held> room = held.HandOver();
    const absl::Status given = co_await pieces.Give(std::move(pending), std::move(room));
    if (status.ok()) {
      status = given;
    }
  }
  if (status.ok() && stream->cancelled()) {
    status = absl::CancelledError("the client has gone");
  }
  co_return absl::IsAborted(status) ? Overtaken() : status;
}

Task<absl::StatusOr<v1::UploadPieceResponse>> UploadHandlers::UploadPiece(rpc::Call call,
                                                                          v1::UploadPieceRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(rpc::Actor actor, rpc::ActorOf(call, nullptr));
  auto entered = co_await EnterUpload(vault_, call, request.person(), request.upload_id());
  if (!entered.ok()) {
    const absl::Status said =
        co_await vault_.access.Refused(std::move(call), std::move(actor), person, kAct, "", entered.status());
    co_return said;
  }
  const OwnUpload& upload = entered->upload;
  absl::Status took = co_await TakePiece(call, upload, std::move(request));
  if (!took.ok()) {
    const absl::Status said = co_await vault_.access.Refused(std::move(call), std::move(actor), person, kAct,
                                                             PaperOf(upload), std::move(took));
    co_return said;
  }
  v1::UploadPieceResponse response;
  CO_ASSIGN_OR_RETURN(*response.mutable_upload(), Now(upload));
  co_return response;
}

// OK: it is durable, now or since a call whose answer was lost.
Task<absl::Status> UploadHandlers::TakePiece(rpc::Call call, OwnUpload upload,
                                             v1::UploadPieceRequest request) {
  const v1::StoredUpload& stored = upload.stored.value;
  const uint64_t offset = request.offset();
  const uint64_t length = request.data().size();
  const bool whole = IsPiece(stored.size(), offset, length);
  auto writer = WriterAt(upload, offset, length);
  if (whole && rpc::ReasonOf(writer.status()) == ERROR_REASON_OFFSET_MISMATCH) {
    CO_ASSIGN_OR_RETURN(const VersionName name, NameOf(upload));
    const auto there = vault_.papers.Holds(name, upload.id, stored, offset, request.data());
    if (absl::IsDataLoss(there.status())) {
      co_return Papers::Damaged();
    }
    CO_RETURN_IF_ERROR(there.status());
    co_return *there ? absl::OkStatus() : writer.status();
  }
  CO_RETURN_IF_ERROR(writer.status());
  if (!whole) {
    co_return rpc::InvalidField("data", "must be 262,144 bytes, or what is left");
  }
  CO_ASSIGN_OR_RETURN(std::optional<TextSoFar> text, co_await TakeUp(std::move(call), upload, *writer));
  std::vector<PieceAssembler::Piece> pieces(1);
  pieces[0] = {offset, std::move(*request.mutable_data()), offset + length == stored.size()};
  PieceStream stream(vault_.context.executor, *writer, std::move(text));
  std::shared_ptr<Lookahead::Held> no_room;
  const absl::Status given = co_await stream.Give(std::move(pieces), std::move(no_room));
  const absl::Status durable = co_await stream.Finish();
  vault_.writers.Keep(upload.id, stream.Take(), vault_.context.clock.Now());
  CO_RETURN_IF_ERROR(given);
  co_return absl::IsAborted(durable) ? Overtaken() : durable;
}

}  // namespace relais::vault
