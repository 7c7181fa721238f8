#include "services/vault/keeper.h"

#include <optional>
#include <utility>

#include "common/audit/subject_keys.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "services/vault/cleaning.h"
#include "services/vault/destroying.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/erase_damaged.h"
#include "services/vault/open_streams.h"

namespace relais::vault {
namespace {

constexpr absl::Duration kCatchUp = absl::Seconds(5);
constexpr size_t kPersonsPerStep = 200;
constexpr size_t kRowsAtOnce = 100;
constexpr char kDropRule[] = "UNDECIDED_DROPS";

}  // namespace

Task<absl::Status> Keeper::EraseState(audit::Subject subject) {
  if (subject.kind != audit::Subject::Kind::kPerson) {
    co_return absl::OkStatus();
  }
  co_await ResumeOn(vault_.context.executor);
  vault_.streams.PersonGone(subject.id);
  // The follower may be about to write a derived row of hers that it has just read of; it reads none any
  // more.
  if (following_) {
    const bool caught_up = co_await own_.WaitApplied(vault_.context.log.state().size, kCatchUp);
    if (!caught_up) {
      co_return absl::UnavailableError("the follower of the own log is behind");
    }
  }
  absl::Status elsewhere = co_await EraseElsewhere(vault_, subject.id);
  if (absl::IsDataLoss(elsewhere)) {
    log::Warn("a record of who is erased does not open: the bytes are looked for one by one",
              {log::Field::Code(elsewhere)});
    elsewhere = co_await EraseDamaged(vault_, subject.id);
  }
  CO_RETURN_IF_ERROR(elsewhere);
  const absl::Status forgotten = co_await links_.Forget(subject.id);
  CO_RETURN_IF_ERROR(forgotten);
  // Her records name the bytes: they go last, and with them her keys.
  const absl::Status emptied =
      co_await storage::EmptyPartition(vault_.context.store, VaultStore::PersonPartition(subject.id), "");
  if (!absl::IsDataLoss(emptied)) {
    co_return emptied;
  }
  const absl::StatusOr<uint64_t> gaps =
      co_await storage::EmptyWhatReads(vault_.context.store, VaultStore::PersonPartition(subject.id));
  CO_RETURN_IF_ERROR(gaps.status());
  log::Error("rows of who is erased do not read and stay, sealed under keys that go",
             {log::Field::Count("stretches", static_cast<int64_t>(*gaps))});
  co_return absl::OkStatus();
}

Task<absl::Status> Keeper::Acknowledge(Id128 erasure) {
  if (!vault_.peers.acknowledge_erasure) {
    co_return absl::OkStatus();
  }
  consent::v1::AcknowledgeErasureRequest request;
  request.set_erasure_id(erasure.ToHex());
  const auto answer =
      co_await vault_.peers.acknowledge_erasure(std::move(request), vault_.settings.peer_timeout);
  co_return answer.status();
}

// ---- retention

Task<absl::StatusOr<bool>> Keeper::Sweep() {
  co_await ResumeOn(vault_.context.executor);
  const absl::Time due_before = vault_.context.log.Now() - kPendingConsent;
  CO_ASSIGN_OR_RETURN(const VaultStore::ReadablePersons found,
                      vault_.store.PersonsThatRead(from_, kPersonsPerStep));
  for (const Id128& person : found.persons) {
    from_ = storage::NextId(person);
    const absl::StatusOr<uint64_t> purged = co_await SweepPerson(person, due_before);
    if (absl::IsDataLoss(purged.status())) {
      continue;  // the scrub says so
    }
    CO_RETURN_IF_ERROR(purged.status());
    purged_ += *purged;
  }
  if (found.next.has_value()) {
    from_ = *found.next;
    co_return true;
  }
  from_ = Id128();
  const absl::Status said =
      co_await vault_.context.maintenance->Purged(kDropRule, due_before, std::exchange(purged_, 0));
  CO_RETURN_IF_ERROR(said);
  co_return false;
}

namespace {

bool IsDue(const v1::StoredDocument& document, absl::Time due_before) {
  return document.state() == v1::Document::STATE_PENDING_CONSENT && document.versions_size() > 0 &&
         FromProto(document.versions(0).version().deposited()) < due_before;
}

// One commit; true: it is destroyed. What changed meanwhile is looked at again.
Task<absl::StatusOr<bool>> DestroyDrop(const Vault& vault, Id128 person, Id128 document,
                                       absl::Time due_before) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(std::optional<Stored<v1::StoredDocument>> stored,
                        vault.store.Document(person, document));
    if (!stored.has_value() || !IsDue(stored->value, due_before)) {
      co_return false;
    }
    const absl::Status copied = co_await CopyForHolds(vault, person, document);
    CO_RETURN_IF_ERROR(copied);
    const KeyCommits::Ticket ticket = vault.keys.commits().Enter();
    Destruction what;
    what.document = document;
    what.cause = "REFUSED_DROP";
    CO_ASSIGN_OR_RETURN(what.epoch, vault.keys.epochs().Current());
    const rpc::Call own = OwnCall(vault.context);
    const rpc::Actor actor = ActorOfOwn(own);
    const Acting acting{own, actor, "", person};
    storage::CommitRequest commit;
    const absl::Status added = AddDestruction(vault, acting, what, *stored, commit);
    if (audit::IsErased(added)) {
      co_return false;
    }
    CO_RETURN_IF_ERROR(added);
    const absl::StatusOr<storage::CommitResult> done = co_await vault.context.store.Commit(std::move(commit));
    if (absl::IsAborted(done.status())) {
      continue;
    }
    CO_RETURN_IF_ERROR(done.status());
    vault.streams.DocumentGone(person, document);
    co_return true;
  }
  co_return absl::AbortedError("a vault changes too often");
}

}  // namespace

Task<absl::StatusOr<uint64_t>> Keeper::SweepPerson(Id128 person, absl::Time due_before) {
  uint64_t purged = 0;
  std::optional<Id128> from = Id128();
  while (from.has_value()) {
    CO_ASSIGN_OR_RETURN(const Rows<v1::StoredDocument> rows,
                        vault_.store.Documents(person, *from, kRowsAtOnce));
    for (const Row<v1::StoredDocument>& row : rows.rows) {
      if (!IsDue(row.stored.value, due_before)) {
        continue;
      }
      const absl::StatusOr<bool> destroyed = co_await DestroyDrop(vault_, person, row.id, due_before);
      CO_RETURN_IF_ERROR(destroyed.status());
      purged += *destroyed ? 1 : 0;
    }
    from = rows.next;
  }
  co_return purged;
}

}  // namespace relais::vault
