#include "services/vault/handlers/complete_upload.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/rpc/refusal.h"
#include "services/vault/convert.h"
#include "services/vault/drop_permit.h"
#include "services/vault/events.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/commit_act.h"
#include "services/vault/handlers/remembered.h"
#include "services/vault/handlers/upload_handlers.h"

namespace relais::vault {
namespace {

constexpr uint64_t kPiecesAtOnce = 16;  // read before others have their turn

VersionName NameOf(const OwnUpload& upload, const Id128& document) {
  return {upload.person, document, upload.stored.value.version()};
}

// Reads a text to its end.
Task<absl::StatusOr<TextSoFar>> ReadText(Executor& executor, PaperText text) {
  TextSoFar known = NothingYet();
  const ByteRange all{0, text.size()};
  for (uint64_t piece = 0; piece < text.pieces(); ++piece) {
    if (piece % kPiecesAtOnce == 0) {
      co_await ResumeOn(executor);
    }
    const absl::StatusOr<std::string> bytes = text.Read(piece, all);
    if (!bytes.ok()) {
      const bool damaged = absl::IsDataLoss(bytes.status()) || absl::IsNotFound(bytes.status());
      co_return damaged ? Papers::Damaged() : bytes.status();
    }
    Note(*bytes, known);
  }
  co_return known;
}

// The bytes of a text in pieces, then nothing.
Scanner::NextBytes BytesOf(PaperText text) {
  return [text = std::move(text), piece = uint64_t{0}]() mutable -> absl::StatusOr<std::string> {
    if (text.size() == 0 || piece == text.pieces()) {
      return std::string();
    }
    return text.Read(piece++, {0, text.size()});
  };
}

// Only where nobody is there, and nobody needs to be, a text passes that was not scanned: everything else its
// sender can bring about (a text over the scanner's limit, one that takes long, many at once).
absl::Status WhyNotScanned(const absl::StatusOr<ScanVerdict>& verdict, bool required) {
  if (!verdict.ok()) {
    if (absl::IsDataLoss(verdict.status()) || absl::IsNotFound(verdict.status())) {
      return Papers::Damaged();  // the text's own
    }
    if (rpc::ReasonOf(verdict.status()) != common::v1::ERROR_REASON_UNSPECIFIED) {
      return verdict.status();
    }
    const absl::Status why = StatusOf(common::v1::ERROR_REASON_SCANNER_UNAVAILABLE);
    return absl::IsResourceExhausted(verdict.status())
               ? rpc::WithNextStep(
                     why, "the scanner refused to judge it: it may be over the scanner's limit of size")
               : why;
  }
  return *verdict == ScanVerdict::kNobody && required ? StatusOf(common::v1::ERROR_REASON_SCANNER_UNAVAILABLE)
                                                      : absl::OkStatus();
}

DropTerms TermsOf(const OwnUpload& upload, const Id128& document) {
  const v1::StoredUpload& stored = upload.stored.value;
  return {upload.person,         document,     stored.depositor(), stored.drop_host(),
          stored.drop_purpose(), stored.type()};
}

// What becomes of a drop by this attempt, and the place that it holds until its row is there.
struct DroppedNow {
  std::optional<Stored<v1::StoredHost>> shown;  // to that host; nullopt: it waits (ADR 35)
  KeyCommits::Ticket place;
};

// NOT_PERMITTED: consent says no. ABORTED: what it said was overtaken, it is to be asked again. A drop waits
// while consent cannot be asked, its log is not followed, or that host does not act for her.
Task<absl::StatusOr<DroppedNow>> JudgeDrop(const Vault& vault, DropTerms terms) {
  DroppedNow dropped;
  const auto asked = co_await AskAbout(vault, terms);
  if (rpc::ReasonOf(asked.status()) == common::v1::ERROR_REASON_PEER_UNAVAILABLE) {
    co_return dropped;
  }
  CO_RETURN_IF_ERROR(asked.status());
  if (!asked->permitted) {
    co_return StatusOf(common::v1::ERROR_REASON_NOT_PERMITTED);
  }
  // From here on a leaf that may say otherwise counts as followed only once the row is there.
  dropped.place = vault.access.linking().Enter();
  const std::optional<std::string> cut = asked->watch->WhyCut();
  if (cut == "SUSPENDED") {
    co_return dropped;
  }
  if (cut.has_value()) {
    co_return absl::AbortedError("what consent answered counts no more");
  }
  CO_ASSIGN_OR_RETURN(dropped.shown, ActingHost(vault, terms.person, terms.host.institution()));
  co_return dropped;
}

// Why JudgeComplete says WRONG_STATE. A drop is never a version of something: of her vault it tells nothing.
absl::Status NoPlaceFor(const v1::StoredUpload& upload, const v1::StoredDocument* later_of, bool expired) {
  if (expired) {
    return WrongState("the upload", "past its time", "be completed");
  }
  const std::string asked = absl::StrCat("get version ", upload.version());
  if (later_of == nullptr) {
    return WrongState("the paper", "not there any more", asked);
  }
  const bool kept = later_of->state() == v1::Document::STATE_ACTIVE;
  return WrongState("the paper",
                    kept ? absl::StrCat("at version ", later_of->versions_size())
                         : v1::Document::State_Name(later_of->state()),
                    asked);
}

}  // namespace

Task<absl::StatusOr<v1::CompleteUploadResponse>> CompleteUploadHandlers::CompleteUpload(
    rpc::Call call, v1::CompleteUploadRequest request) {
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const Id128 given, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  if (request.sha256().size() != crypto::kSha256Size) {
    co_return rpc::InvalidField("sha256", "must have 32 bytes");
  }
  CO_ASSIGN_OR_RETURN(const Id128 person, NameOfUpload(vault_, given, request.upload_id()));
  CO_ASSIGN_OR_RETURN(
      const rpc::Idempotency::Seen seen,
      vault_.store.Seen(person, call, actor, "CompleteUpload", request.request_id(), request));
  if (seen.answer.has_value()) {
    auto again = co_await Again(call, actor, person, *seen.answer, request.want_proof());
    co_return again;
  }
  auto entered = co_await EnterUpload(vault_, call, request.person(), request.upload_id());
  absl::Status why = entered.status();
  std::string document_id;
  if (entered.ok()) {
    const auto document = Id128::FromBytes(entered->upload.stored.value.document());
    document_id = document.ok() ? document->ToHex() : std::string();
    auto completed = co_await Complete(call, request, entered->upload);
    if (completed.ok()) {
      co_return completed;
    }
    why = completed.status();
  }
  const absl::Status said = co_await vault_.access.Refused(std::move(call), actor, given,
                                                           v1::JournalEntry::ACT_UPLOAD, document_id, why);
  co_return said;
}

// To who acts for her now the paper as it is now, which leaves what a look leaves; of one that is gone its
// name alone. Whoever dropped it in, or was her host, has its receipt again and learns nothing more.
Task<absl::StatusOr<v1::CompleteUploadResponse>> CompleteUploadHandlers::Again(rpc::Call call,
                                                                               rpc::Actor actor, Id128 person,
                                                                               std::string row,
                                                                               bool want_proof) {
  auto response =
      co_await AnswerAgain<v1::CompleteUploadResponse>(vault_.context, person, std::move(row), want_proof);
  CO_RETURN_IF_ERROR(response.status());
  absl::Status shown = absl::AbortedError("not tried");
  for (int i = 0; i < kTries && IsCollision(shown); ++i) {
    shown = co_await Show(call, actor, person, *response);
  }
  if (audit::IsErased(shown)) {
    co_return rpc::NoSuchOrNotYours();
  }
  CO_RETURN_IF_ERROR(shown);
  co_return response;
}

// One attempt. `response` lives in Again's frame, which awaits this.
Task<absl::Status> CompleteUploadHandlers::Show(rpc::Call call, rpc::Actor actor, Id128 person,
                                                v1::CompleteUploadResponse& response) {
  const std::string name = response.document().document_id();
  const auto host = vault_.access.Host(call, person);
  if (rpc::ReasonOf(host.status()) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS) {
    response.clear_duplicate_of();
    co_return absl::OkStatus();
  }
  CO_RETURN_IF_ERROR(host.status());
  CO_ASSIGN_OR_RETURN(const Id128 id, Id128::FromHex(name));
  CO_ASSIGN_OR_RETURN(const auto document, vault_.store.Document(person, id));
  storage::CommitRequest commit;
  vault_.store.GuardHost(person, actor.institution, host->version, commit);
  const Acting acting{call, actor, "", person, kAsHost};
  std::vector<audit::Event> events;
  events.push_back(LookedEvent(acting, "METADATA", name));
  const auto done = co_await CommitActs(vault_, std::move(commit), std::move(events));
  CO_RETURN_IF_ERROR(done.status());
  if (document.has_value()) {
    *response.mutable_document() = DocumentOf(id, *document);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<v1::CompleteUploadResponse>> CompleteUploadHandlers::Complete(
    rpc::Call call, v1::CompleteUploadRequest request, OwnUpload upload) {
  Examined examined;
  CO_ASSIGN_OR_RETURN(examined.document, IdOf(upload.stored.value.document()));
  examined.event_id = vault_.context.random.Id();
  examined.facts.claimed_sha256 = request.sha256();
  examined.facts.host = !upload.stored.value.has_drop_host();
  const absl::Status sealed = co_await Seal(upload, examined);
  CO_RETURN_IF_ERROR(sealed);
  absl::Status looked = absl::OkStatus();
  if (examined.head.has_value() && examined.head->Whole()) {
    looked = co_await Examine(upload, examined);
  }
  CO_RETURN_IF_ERROR(looked);
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) {
      const absl::Duration pause = PauseBeforeTry(vault_.context.random, i);
      co_await Sleep(vault_.context.executor, pause);
    }
    auto kept = co_await KeepOnce(call, request, upload, examined);
    if (kept.ok()) {
      co_return kept;
    }
    const common::v1::ErrorReason reason = rpc::ReasonOf(kept.status());
    const bool ends = EndsUpload(reason) || (reason == common::v1::ERROR_REASON_NOT_PERMITTED);
    if (ends) {
      Ending ending;
      ending.request_id = request.request_id();
      ending.reason = rpc::ReasonName(reason);
      const auto ended =
          co_await EndUpload(vault_, call, upload.actor, upload.person, upload.id, std::move(ending));
      CO_RETURN_IF_ERROR(ended.status());
    }
    if (!absl::IsAborted(kept.status())) {
      co_return audit::IsErased(kept.status()) ? rpc::NoSuchOrNotYours() : kept.status();
    }
  }
  co_return TooManyAtOnce();
}

// How far the bytes are; an empty text gets its only piece.
Task<absl::Status> CompleteUploadHandlers::Seal(const OwnUpload& upload, Examined& examined) {
  CO_ASSIGN_OR_RETURN(PaperWriter writer,
                      vault_.papers.Write(NameOf(upload, examined.document), upload.id, upload.stored.value));
  if (upload.stored.value.size() == 0 && writer.head() == nullptr) {
    std::vector<PieceAssembler::Piece> empty(1);
    empty[0].last = true;
    const absl::Status written = co_await writer.Append(std::move(empty));
    CO_RETURN_IF_ERROR(written);
  }
  if (writer.head() != nullptr) {
    examined.head = *writer.head();
  }
  examined.facts.expired =
      Expired(upload.stored.value, writer.head(), vault_.context.clock.Now(), vault_.settings.uploads);
  co_return absl::OkStatus();
}

// What the text is: hash and type, from memory where the whole of it just went by; and what a scanner says.
Task<absl::Status> CompleteUploadHandlers::Examine(const OwnUpload& upload, Examined& examined) {
  const auto text =
      vault_.papers.OpenUpload(NameOf(upload, examined.document), upload.id, upload.stored.value);
  if (!text.ok()) {
    co_return absl::IsDataLoss(text.status()) || absl::IsNotFound(text.status()) ? Papers::Damaged()
                                                                                 : text.status();
  }
  std::optional<TextSoFar> known = vault_.writers.Take(upload.id).text;
  if (!known.has_value() || known->bytes != text->size()) {
    auto read = co_await ReadText(vault_.context.executor, *text);
    CO_RETURN_IF_ERROR(read.status());
    known = *std::move(read);
  }
  examined.facts.sha256 = known->hasher.Finish();
  const ContentType* const type = known->recogniser.Finish();
  examined.facts.media_type = type == nullptr ? std::string() : std::string(type->media_type);
  if (vault_.scanner == nullptr) {
    co_return absl::OkStatus();
  }
  Scanner::NextBytes next = BytesOf(*text);
  const auto verdict = co_await vault_.scanner->Scan(std::move(next));
  co_await ResumeOn(vault_.context.executor);
  CO_RETURN_IF_ERROR(WhyNotScanned(verdict, vault_.settings.scan.required));
  examined.malware = *verdict == ScanVerdict::kFound;
  co_return absl::OkStatus();
}

// What speaks against it, with everything at hand.
absl::Status CompleteUploadHandlers::Judge(const OwnUpload& upload, const v1::StoredDocument* later_of,
                                           const std::optional<Id128>& holder, Examined& examined) const {
  examined.facts.duplicate = holder.has_value();
  const Refusal refusal = JudgeComplete(
      upload.stored.value, examined.head.has_value() ? &*examined.head : nullptr, later_of, examined.facts);
  if (refusal == common::v1::ERROR_REASON_WRONG_STATE) {
    return NoPlaceFor(upload.stored.value, later_of, examined.facts.expired);
  }
  if (refusal.has_value()) {
    const absl::Status why = StatusOf(*refusal);
    return *refusal == common::v1::ERROR_REASON_DUPLICATE_DOCUMENT
               ? rpc::WithNextStep(why, "document " + holder->ToHex())
               : why;
  }
  return examined.malware ? StatusOf(common::v1::ERROR_REASON_MALWARE_FOUND) : absl::OkStatus();
}

v1::StoredVersion CompleteUploadHandlers::VersionOf(const OwnUpload& upload, const Examined& examined,
                                                    absl::Time now) {
  const v1::StoredUpload& stored = upload.stored.value;
  v1::StoredVersion out;
  v1::DocumentVersion& version = *out.mutable_version();
  version.set_version(stored.version());
  version.set_size(stored.size());
  version.set_hash_algorithm("SHA-256");
  version.set_sha256(examined.facts.sha256);
  version.set_media_type(examined.facts.media_type);
  *version.mutable_depositor() = stored.depositor();
  *version.mutable_deposited() = ToProto(now);
  out.set_content(upload.id.ToBytes());
  out.set_wrapped_key(stored.wrapped_key());
  return out;
}

v1::StoredDocument CompleteUploadHandlers::DocumentFrom(const v1::StoredUpload& upload,
                                                        std::optional<v1::StoredDocument> before,
                                                        v1::Document::State state, absl::Time now) {
  v1::StoredDocument document = before.has_value() ? *std::move(before) : v1::StoredDocument();
  document.set_state(state);
  document.set_type(upload.type());
  document.set_title(upload.title());
  if (document.expires().SerializeAsString() != upload.expires().SerializeAsString()) {
    document.clear_reminded();
  }
  document.clear_expires();
  if (upload.has_expires()) {
    *document.mutable_expires() = upload.expires();
  }
  *document.mutable_changed() = ToProto(now);
  if (state == v1::Document::STATE_PENDING_CONSENT) {
    *document.mutable_drop_host() = upload.drop_host();
    document.set_drop_purpose(upload.drop_purpose());
  }
  return document;
}

// One attempt at the one commit by which the paper is in the vault. ABORTED: somebody was faster.
Task<absl::StatusOr<v1::CompleteUploadResponse>> CompleteUploadHandlers::KeepOnce(
    rpc::Call call, v1::CompleteUploadRequest request, OwnUpload upload, Examined& examined) {
  CO_ASSIGN_OR_RETURN(upload, FindUpload(vault_, call, request.person(), request.upload_id()));
  const Id128 person = upload.person;
  const absl::Time now = vault_.context.clock.Now();
  CO_ASSIGN_OR_RETURN(
      const rpc::Idempotency::Seen seen,
      vault_.store.Seen(person, call, upload.actor, "CompleteUpload", request.request_id(), request));
  CO_ASSIGN_OR_RETURN(examined.facts.phase, PhaseNow(vault_));
  CO_ASSIGN_OR_RETURN(const auto host, vault_.store.Host(person, upload.actor.institution));
  CO_ASSIGN_OR_RETURN(Stored<v1::StoredUsage> usage, vault_.store.Usage(person));
  CO_ASSIGN_OR_RETURN(auto before, vault_.store.Document(person, examined.document));
  std::optional<Id128> holder;
  std::string mark;
  if (!examined.facts.sha256.empty()) {
    CO_ASSIGN_OR_RETURN(mark, vault_.keys.Mark(person, usage.value, examined.facts.sha256));
    CO_ASSIGN_OR_RETURN(const auto found, vault_.store.Duplicate(person, mark));
    if (found.has_value()) {
      holder = found->value.document;
    }
  }
  CO_RETURN_IF_ERROR(Judge(upload, before.has_value() ? &before->value : nullptr, holder, examined));
  DroppedNow dropped;
  if (!examined.facts.host) {
    CO_ASSIGN_OR_RETURN(dropped, co_await JudgeDrop(vault_, TermsOf(upload, examined.document)));
  }

  const v1::Document::State state = StateWhenCompleted(examined.facts.host, dropped.shown.has_value());
  Stored<v1::StoredDocument> document;
  document.version = before.has_value() ? before->version : 0;
  std::optional<v1::StoredDocument> was;
  if (before.has_value()) {
    was = std::move(before->value);
  }
  document.value = DocumentFrom(upload.stored.value, std::move(was), state, now);
  v1::StoredVersion version = VersionOf(upload, examined, now);
  CO_ASSIGN_OR_RETURN(const std::string header, EncodeHeader(examined.head->header));
  version.set_header_sha256(crypto::Sha256(header));
  *document.value.add_versions() = std::move(version);
  Keep(upload.stored.value.size(), upload.stored.value.version() == 1, usage.value);

  const Acting acting{call, upload.actor, request.request_id(), person,
                      examined.facts.host ? kAsHost : kAsNobody};
  audit::Event event = DepositedEvent(acting, examined.document, document.value);
  event.event_id = examined.event_id;
  CO_ASSIGN_OR_RETURN(auto draft, vault_.context.log.Draft(event));
  storage::CommitRequest commit;
  commit.leaves.push_back(std::move(draft));
  CO_RETURN_IF_ERROR(vault_.store.PutUsage(person, usage, commit));
  CO_RETURN_IF_ERROR(
      vault_.store.EndUpload(person, upload.id, upload.stored, v1::Upload::STATE_COMPLETED, "", commit));
  CO_RETURN_IF_ERROR(vault_.store.PutDocument(person, examined.document, document, commit));
  if (!holder.has_value()) {
    Stored<DuplicateOf> duplicate;
    duplicate.value = {examined.document, upload.stored.value.version()};
    VaultStore::PutDuplicate(person, mark, duplicate, commit);
  }
  if (examined.facts.host && host.has_value()) {
    vault_.store.GuardHost(person, upload.actor.institution, host->version, commit);
  }
  if (dropped.shown.has_value()) {
    vault_.store.GuardHost(person, upload.stored.value.drop_host().institution(), dropped.shown->version,
                           commit);
  }
  v1::CompleteUploadResponse response;
  response.mutable_document()->set_document_id(examined.document.ToHex());
  response.set_version(upload.stored.value.version());
  if (holder.has_value() && examined.facts.host) {
    response.set_duplicate_of(holder->ToHex());
  }
  RememberAct(seen, examined.event_id, response, commit);
  const auto done = co_await vault_.context.store.Commit(std::move(commit));
  dropped.place = KeyCommits::Ticket();
  CO_RETURN_IF_ERROR(done.status());
  document.version = done->version;
  *response.mutable_document() = DocumentOf(examined.document, document);
  auto written = co_await rpc::WrittenOf(vault_.context, done->leaves, request.want_proof(), true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::vault
