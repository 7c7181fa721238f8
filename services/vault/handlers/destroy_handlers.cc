#include "services/vault/handlers/destroy_handlers.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/audit/subject_keys.h"
#include "common/base/status.h"
#include "services/vault/convert.h"
#include "services/vault/destroying.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/reading_right.h"
#include "services/vault/handlers/which_name.h"
#include "services/vault/lost_answer.h"
#include "services/vault/open_streams.h"

namespace relais::vault {
namespace {

constexpr char kMethod[] = "Destroy";

// What is remembered of it: the event's id, then the epoch in decimal digits.
std::string Packed(const Id128& event, uint32_t epoch) { return event.ToBytes() + std::to_string(epoch); }

struct Remembered {
  Id128 event;
  uint32_t epoch = 0;
};
// DATA_LOSS / DOCUMENT_DAMAGED, with what to do, when it does not read.
absl::StatusOr<Remembered> Unpack(std::string_view text) {
  Remembered remembered;
  const absl::StatusOr<Id128> event = IdOf(text.substr(0, Id128::kSize));
  if (!event.ok() || !absl::SimpleAtoi(std::string(text.substr(Id128::kSize)), &remembered.epoch)) {
    return AnswerIsLost("List, ReadJournal");
  }
  remembered.event = *event;
  return remembered;
}

// What speaks against it.
absl::Status Judge(const Stored<v1::StoredDocument>& stored, const std::string& etag) {
  if (stored.value.state() == v1::Document::STATE_DESTROYED) {
    return WrongState("the paper", "DESTROYED", "be destroyed");
  }
  if (!etag.empty() && etag != EtagOf(stored.version)) {
    return StatusOf(common::v1::ERROR_REASON_ETAG_MISMATCH);
  }
  return absl::OkStatus();
}

}  // namespace

Task<absl::StatusOr<v1::DestroyResponse>> DestroyHandlers::Destroy(rpc::Call call,
                                                                   v1::DestroyRequest request) {
  CO_RETURN_IF_ERROR(vault_.context.Writable());
  CO_ASSIGN_OR_RETURN(const rpc::Actor actor, rpc::ActorOf(call, nullptr));
  CO_ASSIGN_OR_RETURN(const Id128 given, rpc::PersonOf(vault_.context, call, request.person(), "person"));
  CO_ASSIGN_OR_RETURN(const Id128 document, Id128::FromHex(request.document_id()));
  const Attempt attempt{v1::JournalEntry::ACT_DESTROYED, request.document_id()};
  const Id128 event_id = vault_.context.random.Id();
  for (int i = 0; i < kTries; ++i) {
    // Also when she changes her mind meanwhile: each try asks who acts for her.
    CO_ASSIGN_OR_RETURN(const auto names, co_await vault_.access.RequireHostedNames(call, given, attempt));
    CO_ASSIGN_OR_RETURN(auto found, WhichNameHasPaper(vault_.store, names, document));
    if (!found.has_value() || !found->row.ok()) {
      absl::Status why = found.has_value() ? AsDamage(found->row.status()) : rpc::NoSuchOrNotYours();
      const absl::Status refused = co_await vault_.access.Refused(call, given, attempt, std::move(why));
      co_return refused;
    }
    const Id128 person = names[found->at].person;
    Stored<v1::StoredDocument> stored = *std::move(found->row);
    CO_ASSIGN_OR_RETURN(const rpc::Idempotency::Seen seen,
                        vault_.store.Seen(person, call, actor, kMethod, request.request_id(), request));
    if (seen.answer.has_value()) {
      absl::StatusOr<v1::DestroyResponse> again =
          co_await Again(person, document, *seen.answer, request.want_proof());
      co_return again;
    }
    if (absl::Status why = Judge(stored, request.etag()); !why.ok()) {
      const absl::Status refused = co_await vault_.access.Refused(call, person, attempt, std::move(why));
      co_return refused;
    }
    const absl::Status copied = co_await CopyForHolds(vault_, person, document);
    CO_RETURN_IF_ERROR(copied);
    // Held until the commit ended: an epoch that begins meanwhile wraps her key anew only afterwards, so that
    // no backup under it holds this paper.
    const KeyCommits::Ticket ticket = vault_.keys.commits().Enter();
    CO_ASSIGN_OR_RETURN(const uint32_t epoch, vault_.keys.epochs().Current());
    const Acting acting{call, actor, request.request_id(), person, kAsHost};
    Destruction what;
    what.document = document;
    what.cause = "HERS";
    what.epoch = epoch;
    what.event_id = event_id;
    storage::CommitRequest commit;
    const absl::Status added = AddDestruction(vault_, acting, what, stored, commit);
    if (audit::IsErased(added)) {
      co_return rpc::NoSuchOrNotYours();
    }
    CO_RETURN_IF_ERROR(added);
    vault_.store.GuardHost(person, call.caller.institution, names[found->at].host.version, commit);
    rpc::Idempotency::RememberText(seen, Packed(event_id, epoch), commit);
    const absl::StatusOr<storage::CommitResult> done =
        co_await vault_.context.store.Commit(std::move(commit));
    if (absl::IsAborted(done.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(done.status());
    vault_.streams.DocumentGone(person, document);
    v1::DestroyResponse response;
    stored.version = done->version;
    *response.mutable_document() = DocumentOf(document, stored);
    response.set_copies_end_with_epoch(epoch);
    absl::StatusOr<common::v1::Written> written =
        co_await rpc::WrittenOf(vault_.context, done->leaves, request.want_proof(), true);
    CO_RETURN_IF_ERROR(written.status());
    *response.mutable_written() = *std::move(written);
    co_return response;
  }
  co_return absl::AbortedError("the vault changes too often");
}

Task<absl::StatusOr<v1::DestroyResponse>> DestroyHandlers::Again(Id128 person, Id128 document,
                                                                 std::string remembered,
                                                                 bool want_proof) const {
  CO_ASSIGN_OR_RETURN(const Remembered what, Unpack(remembered));
  CO_ASSIGN_OR_RETURN(const auto stored, vault_.store.Document(person, document));
  if (!stored.has_value()) {
    co_return rpc::NoSuchOrNotYours();
  }
  v1::DestroyResponse response;
  *response.mutable_document() = DocumentOf(document, *stored);
  response.set_copies_end_with_epoch(what.epoch);
  absl::StatusOr<common::v1::Written> written =
      co_await rpc::WrittenAgain(vault_.context, VaultStore::SubjectOf(person), what.event, want_proof, true);
  CO_RETURN_IF_ERROR(written.status());
  *response.mutable_written() = *std::move(written);
  co_return response;
}

}  // namespace relais::vault
