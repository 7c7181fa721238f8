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

absl::Status GoneOr(absl::Status status) {
  return audit::IsErased(status) ? rpc::NoSuchOrNotYours() : status;
}

common::v1::Party PartyOf(const rpc::Actor& actor) {
  common::v1::Party party;
  party.set_institution(actor.institution);
  party.set_function(actor.function);
  return party;
}

v1::StoredUpload UploadFrom(const v1::BeginUploadRequest& request, const rpc::Actor& actor,
                            const Id128& document, uint32_t version, absl::Time now) {
  v1::StoredUpload upload;
  upload.set_document(document.ToBytes());
  upload.set_version(version);
  upload.set_size(request.size());
  upload.set_sha256(request.sha256());
  upload.set_media_type(request.media_type());
  upload.set_type(request.description().type());
  upload.set_title(request.description().title());
  if (request.description().has_expires()) {
    *upload.mutable_expires() = request.description().expires();
  }
  *upload.mutable_depositor() = PartyOf(actor);
  *upload.mutable_begun() = ToProto(now);
  upload.set_allow_duplicate(request.allow_duplicate());
  if (request.has_drop()) {
    *upload.mutable_drop_host() = request.drop().host();
    upload.set_drop_purpose(request.drop().purpose());
  }
  return upload;
}

absl::StatusOr<bool> IsHost(const VaultStore& store, const Id128& person, std::string_view institution,
                            absl::Time now) {
  ASSIGN_OR_RETURN(const auto host, store.Host(person, institution));
  return host.has_value() && ActsForHer(host->value, now);
}

// The paper in her vault that holds a text of this hash; nullopt: none.
absl::StatusOr<std::optional<Id128>> HolderOf(const Vault& vault, const Id128& person,
                                              const v1::StoredUsage& usage, std::string_view sha256) {
  if (sha256.empty()) {
    return std::optional<Id128>();
  }
  ASSIGN_OR_RETURN(const std::string mark, vault.keys.Mark(person, usage, sha256));
  if (mark.empty()) {
    return std::optional<Id128>();
  }
  ASSIGN_OR_RETURN(const auto found, vault.store.Duplicate(person, mark));
  return found.has_value() ? std::optional<Id128>(found->value.document) : std::optional<Id128>();
}

v1::UploadRequest::RequestCase What(const std::optional<v1::UploadRequest>& message) {
  return message.has_value() ? message->request_case() : v1::UploadRequest::REQUEST_NOT_SET;
}

}  // namespace

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
  co_return absl::AbortedError("the vault changes too often");
}

// ---- beginning

Task<absl::StatusOr<v1::BeginUploadResponse>> UploadHandlers::BeginUpload(rpc::Call call,
                                                                          v1::BeginUploadRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  Beginning beginning;
  CO_ASSIGN_OR_RETURN(beginning.person, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(beginning.actor, rpc::ActorOf(call, nullptr));
  beginning.event_id = vault_.context.random.Id();
  CO_ASSIGN_OR_RETURN(const bool host, IsHost(vault_.store, beginning.person, beginning.actor.institution,
                                              vault_.context.clock.Now()));
  if (!host && request.has_drop()) {
    const auto may =
        co_await MayStore(vault_, beginning.person, PartyOf(beginning.actor), request.drop().host(),
                          request.drop().purpose(), request.description().type(), /*recorded=*/false);
    // While consent cannot be asked a drop is taken, and shown to nobody (ADR 35).
    beginning.permitted =
        may.ok() ? *may : rpc::ReasonOf(may.status()) == common::v1::ERROR_REASON_PEER_UNAVAILABLE;
    if (!may.ok() && !beginning.permitted) {
      co_return may.status();
    }
  }
  for (int i = 0; i < kTries; ++i) {
    auto begun = co_await BeginOnce(call, request, beginning);
    if (begun.ok()) {
      if (begun->again) {
        co_return std::move(begun->response);
      }
      auto written = co_await rpc::WrittenOf(vault_.context, begun->leaves, false, false);
      CO_RETURN_IF_ERROR(written.status());
      *begun->response.mutable_written() = *std::move(written);
      co_return std::move(begun->response);
    }
    if (!absl::IsAborted(begun.status())) {
      const absl::Status why = GoneOr(begun.status());
      const absl::Status said = co_await vault_.access.Refused(
          std::move(call), beginning.actor, beginning.person, kAct, request.document_id(), why);
      co_return said;
    }
  }
  co_return absl::AbortedError("the vault changes too often");
}

// ABORTED: somebody was faster.
Task<absl::StatusOr<UploadHandlers::Begun>> UploadHandlers::BeginOnce(rpc::Call call,
                                                                      v1::BeginUploadRequest request,
                                                                      Beginning beginning) {
  const Id128 person = beginning.person;
  const absl::Time now = vault_.context.clock.Now();
  CO_ASSIGN_OR_RETURN(
      rpc::Idempotency::Seen seen,
      vault_.store.Seen(person, call, beginning.actor, "BeginUpload", request.request_id(), request));
  Begun begun;
  if (seen.answer.has_value()) {
    begun.again = true;
    CO_ASSIGN_OR_RETURN(begun.response, co_await AnswerAgain<v1::BeginUploadResponse>(vault_.context, person,
                                                                                      *seen.answer, false));
    co_return begun;
  }
  CO_ASSIGN_OR_RETURN(const auto host, vault_.store.Host(person, beginning.actor.institution));
  BeginFacts facts;
  facts.host = host.has_value() && ActsForHer(host->value, now);
  if (!facts.host && !request.has_drop()) {
    co_return rpc::NoSuchOrNotYours();
  }
  if (!facts.host && !beginning.permitted) {
    co_return StatusOf(common::v1::ERROR_REASON_NOT_PERMITTED);
  }
  CO_ASSIGN_OR_RETURN(facts.phase, PhaseNow(vault_));
  CO_ASSIGN_OR_RETURN(const auto institution, vault_.store.InstitutionUsage(beginning.actor.institution));
  facts.institution = institution.value;
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredUsage> usage, vault_.store.Usage(person));
  std::optional<Stored<v1::StoredDocument>> later_of;
  Id128 document = vault_.context.random.Id();
  if (!request.document_id().empty()) {
    CO_ASSIGN_OR_RETURN(document, Id128::FromHex(request.document_id()));
    CO_ASSIGN_OR_RETURN(later_of, vault_.store.Document(person, document));
    facts.later_of = later_of.has_value() ? &later_of->value : nullptr;
  }
  std::optional<Id128> holder;
  if (facts.host) {
    CO_ASSIGN_OR_RETURN(holder, HolderOf(vault_, person, usage.value, request.sha256()));
  }
  facts.duplicate = holder.has_value();
  const Refusal refusal =
      JudgeBegin(request, facts, vault_.settings.limits, vault_.settings.uploads, usage.value);
  if (refusal.has_value()) {
    const absl::Status why = StatusOf(*refusal);
    co_return *refusal == common::v1::ERROR_REASON_DUPLICATE_DOCUMENT
        ? rpc::WithNextStep(why, "document " + holder->ToHex())
        : why;
  }

  const Id128 id = vault_.context.random.Id();
  v1::StoredUpload upload = UploadFrom(request, beginning.actor, document, NextVersion(facts.later_of), now);
  const Acting acting{call, beginning.actor, request.request_id(), person, facts.host ? kAsHost : kAsNobody};
  audit::Event event = UploadEvent(acting, id, upload, v1::Upload::STATE_OPEN, "");
  event.event_id = beginning.event_id;
  // The leaf first: it is what gives a person her key here.
  CO_ASSIGN_OR_RETURN(auto draft, vault_.context.log.Draft(event));
  storage::CommitRequest commit;
  commit.leaves.push_back(std::move(draft));
  const VersionName name{person, document, upload.version()};
  CO_ASSIGN_OR_RETURN(PaperKeys::NewKey key, vault_.keys.Make(name, usage.value, commit));
  upload.set_wrapped_key(key.wrapped);
  CO_RETURN_IF_ERROR(vault_.store.PutUpload(person, id, {upload, 0}, commit));
  CO_RETURN_IF_ERROR(vault_.store.PutUsage(person, usage, commit));
  if (facts.host) {
    VaultStore::GuardHost(person, beginning.actor.institution, host->version, commit);
  }
  if (later_of.has_value()) {
    VaultStore::GuardDocument(person, document, later_of->version, commit);
  }
  *begun.response.mutable_upload() = UploadOf(id, upload, nullptr, vault_.settings.uploads);
  if (holder.has_value()) {
    begun.response.set_duplicate_of(holder->ToHex());
  }
  RememberAct(seen, beginning.event_id, begun.response, commit);
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  CO_RETURN_IF_ERROR(done.status());
  begun.leaves = done->leaves;
  co_return begun;
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
