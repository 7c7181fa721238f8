#include "services/vault/handlers/upload_handlers.h"

#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/domain/document_types.h"
#include "services/vault/domain/host_rules.h"
#include "services/vault/events.h"
#include "services/vault/format/pieces.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/remembered.h"

namespace relais::vault {
namespace {

using common::v1::ERROR_REASON_WRONG_STATE;
constexpr absl::Duration kOtherWriter = absl::Seconds(5);
constexpr v1::JournalEntry::Act kAct = v1::JournalEntry::ACT_UPLOAD;

v1::UploadRequest::RequestCase What(const std::optional<v1::UploadRequest>& message) {
  return message.has_value() ? message->request_case() : v1::UploadRequest::REQUEST_NOT_SET;
}

}  // namespace

absl::StatusOr<bool> IsHost(const VaultStore& store, const Id128& person, std::string_view institution,
                            absl::Time now) {
  ASSIGN_OR_RETURN(const auto host, store.Host(person, institution));
  return host.has_value() && ActsForHer(host->value, now);
}

Task<absl::StatusOr<bool>> MayStore(const Vault& vault, Id128 person, common::v1::Party depositor,
                                    common::v1::Party host, std::string purpose, v1::DocumentType type,
                                    bool recorded) {
  CO_ASSIGN_OR_RETURN(const bool hosted,
                      IsHost(vault.store, person, host.institution(), vault.context.clock.Now()));
  if (!hosted) {
    co_return false;
  }
  consent::v1::CheckRequest request;
  request.mutable_person()->set_person_id(person.ToBytes());
  *request.mutable_sender() = std::move(depositor);
  *request.mutable_recipient() = std::move(host);
  request.set_purpose(std::move(purpose));
  const std::vector<std::string> categories = CategoriesOf(type);
  request.mutable_categories()->Assign(categories.begin(), categories.end());
  request.set_act(common::v1::ACT_STORE);
  request.set_dry_run(!recorded);
  CO_ASSIGN_OR_RETURN(const ConsentAnswer answer,
                      co_await Ask(vault.peers, std::move(request), vault.settings.peer_timeout));
  // On an agreement of hers, whichever: D-3.1 knows no other ground.
  bool agreed =
      answer.decision == common::v1::DECISION_PERMIT && answer.categories.size() == categories.size();
  for (const ConsentAnswer::Category& category : answer.categories) {
    agreed = agreed && category.decision == common::v1::DECISION_PERMIT &&
             category.ground == common::v1::GROUND_AGREEMENT;
  }
  co_return agreed;
}

absl::StatusOr<OwnUpload> FindUpload(const Vault& vault, const rpc::Call& call,
                                     const common::v1::PersonRef& person, std::string_view upload_id) {
  OwnUpload own;
  ASSIGN_OR_RETURN(own.person, rpc::PersonOf(vault.context, call, person, "person"));
  ASSIGN_OR_RETURN(own.actor, rpc::ActorOf(call, nullptr));
  const auto id = Id128::FromHex(upload_id);
  if (!id.ok()) {
    return rpc::InvalidField("upload_id", "must be 32 hexadecimal digits");
  }
  own.id = *id;
  ASSIGN_OR_RETURN(auto stored, vault.store.Upload(own.person, own.id));
  if (!stored.has_value() || stored->value.depositor().institution() != own.actor.institution) {
    return rpc::NoSuchOrNotYours();
  }
  if (!stored->value.has_drop_host()) {  // who deposits as her host is it still
    ASSIGN_OR_RETURN(const bool host,
                     IsHost(vault.store, own.person, own.actor.institution, vault.context.clock.Now()));
    if (!host) {
      return rpc::NoSuchOrNotYours();
    }
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
    const bool ended = co_await vault.writers.Close(found.id, kOtherWriter);
    if (ended) {
      auto second = vault.writers.Enter(found.id);
      if (second.has_value()) {
        place.emplace(*std::move(second));
      }
    }
  }
  if (!place.has_value()) {
    co_return rpc::Refusal(absl::StatusCode::kFailedPrecondition, ERROR_REASON_WRONG_STATE,
                           "another stream sends the bytes of this upload");
  }
  CO_ASSIGN_OR_RETURN(OwnUpload upload, FindUpload(vault, call, person, upload_id));
  co_return EnteredUpload{std::move(upload), *std::move(place)};
}

Task<absl::StatusOr<storage::LeafRange>> EndUpload(const Vault& vault, rpc::Call call, rpc::Actor actor,
                                                   Id128 person, Id128 id, std::string request_id,
                                                   std::string reason,
                                                   std::function<void(storage::CommitRequest&)> complete) {
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) {
      const absl::Duration pause = PauseBeforeTry(vault.context.random, i);
      co_await Sleep(vault.context.executor, pause);
    }
    CO_ASSIGN_OR_RETURN(const auto upload, vault.store.Upload(person, id));
    if (!upload.has_value()) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_ASSIGN_OR_RETURN(Stored<v1::StoredUsage> usage, vault.store.Usage(person));
    Release(upload->value.size(), usage.value);
    const Acting acting{call, actor, request_id, person, upload->value.has_drop_host() ? kAsNobody : kAsHost};
    CO_ASSIGN_OR_RETURN(auto draft, vault.context.log.Draft(UploadEvent(acting, id, upload->value,
                                                                        v1::Upload::STATE_ENDED, reason)));
    storage::CommitRequest commit;
    commit.leaves.push_back(std::move(draft));
    CO_RETURN_IF_ERROR(vault.store.PutUsage(person, usage, commit));
    VaultStore::RemoveUpload(person, id, upload->version, commit);
    if (complete) {
      complete(commit);
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
  const absl::Status took =
      co_await TakeBytes(entered->upload, entered->place, first->open().offset(), std::move(stream));
  CO_RETURN_IF_ERROR(took);
  CO_ASSIGN_OR_RETURN(v1::Upload now, co_await Now(entered->upload));
  v1::UploadResponse response;
  *response.mutable_upload() = std::move(now);
  co_return response;
}

Task<absl::StatusOr<v1::Upload>> UploadHandlers::Now(OwnUpload upload) const {
  CO_ASSIGN_OR_RETURN(const auto head, vault_.papers.Head(upload.id));
  co_return UploadOf(upload.id, upload.stored.value, head.has_value() ? &head->value : nullptr,
                     vault_.settings.uploads);
}

Task<absl::Status> UploadHandlers::TakeBytes(OwnUpload upload, UploadWriters::Place& place, uint64_t offset,
                                             std::shared_ptr<rpc::Reader<v1::UploadRequest>> stream) {
  CO_ASSIGN_OR_RETURN(const Id128 document, IdOf(upload.stored.value.document()));
  const VersionName name{upload.person, document, upload.stored.value.version()};
  CO_ASSIGN_OR_RETURN(PaperWriter writer, vault_.papers.Write(name, upload.id, upload.stored.value));
  if (Expired(upload.stored.value, writer.head(), vault_.context.clock.Now(), vault_.settings.uploads)) {
    co_return StatusOf(ERROR_REASON_WRONG_STATE);
  }
  const Refusal refusal = JudgeBytes(upload.stored.value, writer.head(), offset, 0);
  if (refusal.has_value()) {
    co_return StatusOf(*refusal);
  }
  place.WhenUnwanted(
      [stream] { stream->End(absl::AbortedError("another stream goes on with this upload")); });
  std::optional<TextSoFar> text = vault_.writers.Take(upload.id);
  if (offset == 0) {
    text = NothingYet();
  } else if (text.has_value() && text->bytes != offset) {
    text.reset();
  }
  PieceStream pieces(vault_.context.executor, writer, std::move(text));
  const PieceAssembler assembler(upload.stored.value.size(), offset);
  const absl::Status pumped = co_await Pump(pieces, assembler, place, std::move(stream));
  const absl::Status durable = co_await pieces.Finish();
  if (std::optional<TextSoFar> known = pieces.TakeText(); durable.ok() && known.has_value()) {
    vault_.writers.Keep(upload.id, *std::move(known));
  }
  CO_RETURN_IF_ERROR(pumped);
  co_return absl::IsAborted(durable) ? StatusOf(ERROR_REASON_WRONG_STATE) : durable;
}

// Until the client ends the stream. What came of whole pieces is given on, whatever ends it.
Task<absl::Status> UploadHandlers::Pump(PieceStream& pieces, PieceAssembler assembler,
                                        UploadWriters::Place& place,
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
    if (pending.size() >= vault_.settings.commit_pieces || (!pending.empty() && pending.back().last)) {
      std::vector<PieceAssembler::Piece> whole = std::exchange(pending, {});
      status = co_await pieces.Give(std::move(whole));
    }
  }
  if (!pending.empty()) {
    const absl::Status given = co_await pieces.Give(std::move(pending));
    if (status.ok()) {
      status = given;
    }
  }
  if (status.ok() && stream->cancelled()) {
    status = absl::CancelledError("the client has gone");
  }
  co_return absl::IsAborted(status) ? StatusOf(ERROR_REASON_WRONG_STATE) : status;
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
  CO_ASSIGN_OR_RETURN(const Id128 document, IdOf(upload.stored.value.document()));
  const VersionName name{upload.person, document, upload.stored.value.version()};
  CO_ASSIGN_OR_RETURN(PaperWriter writer, vault_.papers.Write(name, upload.id, upload.stored.value));
  if (Expired(upload.stored.value, writer.head(), vault_.context.clock.Now(), vault_.settings.uploads)) {
    co_return StatusOf(ERROR_REASON_WRONG_STATE);
  }
  const Refusal refusal =
      JudgeBytes(upload.stored.value, writer.head(), request.offset(), request.data().size());
  if (refusal.has_value()) {
    co_return StatusOf(*refusal);
  }
  std::vector<PieceAssembler::Piece> pieces;
  PieceAssembler assembler(upload.stored.value.size(), request.offset());
  const Refusal too_large = assembler.Add(request.data(), pieces);
  if (too_large.has_value() || pieces.size() != 1 || assembler.held() != 0) {
    co_return rpc::InvalidField("data", "must be 262,144 bytes, or what is left");
  }
  std::optional<TextSoFar> text = vault_.writers.Take(upload.id);
  if (request.offset() == 0) {
    text = NothingYet();
  } else if (text.has_value() && text->bytes != request.offset()) {
    text.reset();
  }
  PieceStream stream(vault_.context.executor, writer, std::move(text));
  const absl::Status given = co_await stream.Give(std::move(pieces));
  const absl::Status durable = co_await stream.Finish();
  CO_RETURN_IF_ERROR(given);
  if (absl::IsAborted(durable)) {
    co_return StatusOf(ERROR_REASON_WRONG_STATE);
  }
  CO_RETURN_IF_ERROR(durable);
  if (std::optional<TextSoFar> known = stream.TakeText(); known.has_value()) {
    vault_.writers.Keep(upload.id, *std::move(known));
  }
  CO_ASSIGN_OR_RETURN(v1::Upload now, co_await Now(upload));
  v1::UploadPieceResponse response;
  *response.mutable_upload() = std::move(now);
  co_return response;
}

// ---- how far it is, and giving it up

Task<absl::StatusOr<v1::QueryUploadResponse>> UploadHandlers::QueryUpload(rpc::Call call,
                                                                          v1::QueryUploadRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  const auto upload = FindUpload(vault_, call, request.person(), request.upload_id());
  if (!upload.ok()) {
    const absl::Status said =
        co_await vault_.access.Refused(std::move(call), actor, person, kAct, "", upload.status());
    co_return said;
  }
  CO_ASSIGN_OR_RETURN(v1::Upload now, co_await Now(*upload));
  const Acting acting{call, actor, "", person, upload->stored.value.has_drop_host() ? kAsNobody : kAsHost};
  CO_ASSIGN_OR_RETURN(auto draft, vault_.context.log.Draft(LookedEvent(acting, "UPLOAD", now.document_id())));
  storage::CommitRequest commit;
  commit.partition = VaultStore::PersonPartition(person);
  commit.leaves.push_back(std::move(draft));
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  v1::QueryUploadResponse response;
  *response.mutable_upload() = std::move(now);
  co_return response;
}

Task<absl::StatusOr<v1::AbandonUploadResponse>> UploadHandlers::AbandonUpload(
    rpc::Call call, v1::AbandonUploadRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const rpc::Idempotency::Seen seen,
                      vault_.store.Seen(person, call, actor, "AbandonUpload", request.request_id(), request));
  v1::AbandonUploadResponse response;
  if (seen.answer.has_value()) {
    storage::LeafRange none;
    none.tree_size = vault_.context.log.state().size;
    auto again = co_await rpc::WrittenOf(vault_.context, none, false, false);
    CO_RETURN_IF_ERROR(again.status());
    *response.mutable_written() = *std::move(again);
    co_return response;
  }
  const auto upload = FindUpload(vault_, call, request.person(), request.upload_id());
  if (!upload.ok()) {
    const absl::Status said =
        co_await vault_.access.Refused(std::move(call), actor, person, kAct, "", upload.status());
    co_return said;
  }
  const std::function<void(storage::CommitRequest&)> remember = [&seen,
                                                                 &response](storage::CommitRequest& commit) {
    rpc::Idempotency::Remember(seen, response, commit);
  };
  const auto ended = co_await EndUpload(vault_, std::move(call), actor, person, upload->id,
                                        request.request_id(), "ABANDONED", remember);
  CO_RETURN_IF_ERROR(ended.status());
  auto written = co_await rpc::WrittenOf(vault_.context, *ended, false, false);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::vault
