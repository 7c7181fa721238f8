#include "services/alerting/keeper.h"

#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "relais/alerting/v1/events.pb.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;
constexpr absl::Duration kCatchUp = absl::Seconds(5);
constexpr size_t kLeavesAtOnce = 500;
constexpr size_t kPageSize = 200;
constexpr std::string_view kRecordKey = "record";

audit::Event OwnEvent(const rpc::ServiceContext& context) {
  audit::Event event;
  event.institution = "service/alerting";
  event.directory_version = context.directory()->version();
  return event;
}

// From here on its institution's rows go to the record's successor; a commit under way fails and reads again.
// Puts the mark of an erased record into `commit`, guarded by what stands now. False: there is nothing to
// mark.
absl::StatusOr<bool> PutMark(const AlertingStore& store, const Id128& record,
                             storage::CommitRequest& commit) {
  ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store.Record(record));
  if (stored.version == 0 || stored.erased.has_value()) {
    return false;
  }
  v1::ErasedRecord erased;
  if (stored.value.institution().empty()) {  // frozen: an erasure that is made again
    ASSIGN_OR_RETURN(const std::optional<v1::RecordState> state, store.FrozenRecord(record));
    if (state.has_value()) {
      erased.set_objection(state->objection());
      erased.set_consent_time(state->consent_time());
    }
  } else {
    erased.set_objection(stored.value.objection());
    erased.set_consent_time(stored.value.consent_time());
  }
  AlertingStore::PutErased(erased, record, stored.version, commit);
  return true;
}

Task<absl::Status> MarkErased(const rpc::ServiceContext& context, const AlertingStore& store, Id128 record) {
  for (int i = 0; i < kTries; ++i) {
    storage::CommitRequest commit;
    CO_ASSIGN_OR_RETURN(const bool marks, PutMark(store, record, commit));
    if (!marks) {
      co_return absl::OkStatus();
    }
    const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

// Erased before, by retention, or about to be: about such a subject no leaf can be written, and with that no
// erasure of the person it was of be requested.
absl::StatusOr<bool> IsGone(const rpc::ServiceContext& context, const Id128& record) {
  const audit::Subject subject = AlertingStore::SubjectOf(record);
  if (context.log.keys().Frozen(subject)) {
    return true;
  }
  const absl::Status key = context.log.keys().Get(subject).status();
  if (absl::IsNotFound(key)) {
    return true;
  }
  RETURN_IF_ERROR(key);
  return false;
}

}  // namespace

Task<absl::Status> ErasePerson(const rpc::ServiceContext& context, const AlertingStore& store, Id128 erasure,
                               Id128 person, std::string cause) {
  CO_ASSIGN_OR_RETURN(const bool known, context.maintenance->Knows(erasure));
  if (known) {
    co_return absl::OkStatus();
  }
  audit::ErasureRequest request;
  request.id = erasure;
  request.cause = std::move(cause);
  request.subjects = {audit::Subject{audit::Subject::Kind::kPerson, person}};
  // A mark takes the place of a record's state: what a legal hold covers is copied before.
  const absl::StatusOr<std::vector<Id128>> held =
      co_await context.maintenance->holds().CopyOf(request.subjects);
  CO_RETURN_IF_ERROR(held.status());
  const absl::Status vaults = co_await MarkVaultRecord(context, store, person);
  CO_RETURN_IF_ERROR(vaults);
  CO_ASSIGN_OR_RETURN(std::vector<Id128> records, store.RecordsOf(person));
  records.push_back(store.VaultRecordOf(person));
  for (const Id128& record : records) {
    CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store.Record(record));
    if (stored.version == 0) {
      continue;  // a row at a collective address: its record is not hers alone
    }
    CO_ASSIGN_OR_RETURN(const bool gone, IsGone(context, record));
    if (gone) {
      continue;
    }
    const absl::Status marked = co_await MarkErased(context, store, record);
    CO_RETURN_IF_ERROR(marked);
    request.subjects.push_back(AlertingStore::SubjectOf(record));
  }
  storage::CommitRequest commit;
  commit.partition = AlertingStore::PersonPartition(person);
  const absl::StatusOr<storage::CommitResult> begun =
      co_await context.maintenance->Request(std::move(request), OwnEvent(context), std::move(commit));
  // Erased here already, by an erasure that consent has forgotten: a restore.
  co_return audit::IsErased(begun.status()) ? absl::OkStatus() : begun.status();
}

Task<absl::Status> Keeper::EraseState(audit::Subject subject) {
  co_await ResumeOn(context_.executor);
  // The follower may be about to list an alert it has just read; it reads none of these any more.
  absl::Status status = co_await CatchUp();
  CO_RETURN_IF_ERROR(status);
  if (subject.kind == audit::Subject::Kind::kPerson) {
    status = co_await ErasePersonState(subject.id);
  } else {
    status = co_await EraseRecord(subject.id);
  }
  co_return status;
}

Task<absl::Status> Keeper::CatchUp() {
  if (following_) {
    const bool caught_up = co_await own_.WaitApplied(context_.log.state().size, kCatchUp);
    if (!caught_up) {
      co_return absl::UnavailableError("the follower of the own log is behind");
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Keeper::EraseRecord(Id128 record) {
  const absl::Status marked = co_await MarkErased(context_, store_, record);
  CO_RETURN_IF_ERROR(marked);
  const absl::Status rows = co_await EraseRows(record);
  CO_RETURN_IF_ERROR(rows);
  // What it said is no sign of anybody's any more (D-1.13); while it still says whose it was.
  const absl::Status unsaid = co_await linked_signs_.RecordChanged(record);
  CO_RETURN_IF_ERROR(unsaid);
  const absl::Status emptied = co_await storage::EmptyPartition(
      context_.store, AlertingStore::RecordPartition(record), std::string(kRecordKey));
  co_return emptied;
}

Task<absl::Status> Keeper::EraseRows(Id128 record) {
  CO_ASSIGN_OR_RETURN(const std::set<std::string> desks, DesksOf(record));
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page,
                        context_.store.Scan(AlertingStore::RecordPartition(record), AlertingStore::kRowPrefix,
                                            from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      CO_ASSIGN_OR_RETURN(const Id128 row_id, AlertingStore::RowOf(row.key));
      CO_ASSIGN_OR_RETURN(const std::optional<v1::RowState> state,
                          store_.OpenFrozenRow(record, row.key, row.entry.value));
      const absl::StatusOr<Id128> alert =
          state.has_value() ? Id128::FromBytes(state->alert()) : absl::NotFoundError("");
      if (alert.ok()) {
        const absl::Status erased = co_await EraseAlert(record, *alert, desks);
        CO_RETURN_IF_ERROR(erased);
      }
      const absl::Status reduced = co_await ReduceClaim(record, row_id);
      CO_RETURN_IF_ERROR(reduced);
    }
    from = page.next;
  } while (!from.empty());
  co_return absl::OkStatus();
}

// Every desk at which an alert of this record was ever listed.
absl::StatusOr<std::set<std::string>> Keeper::DesksOf(const Id128& record) const {
  std::set<std::string> desks;
  uint64_t from = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> indices,
                     context_.log.LeavesOf(AlertingStore::SubjectOf(record), from, kLeavesAtOnce));
    if (indices.empty()) {
      return desks;
    }
    for (const uint64_t index : indices) {
      from = index + 1;
      ASSIGN_OR_RETURN(const std::vector<audit::OpenedLeaf> leaves, context_.log.ReadOpened(index, 1));
      v1::AlertChanged changed;
      if (!leaves.empty() && leaves[0].details.payload().UnpackTo(&changed) && !changed.desk().empty()) {
        desks.insert(changed.desk());
      }
    }
  }
}

Task<absl::Status> Keeper::EraseAlert(Id128 record, Id128 alert, std::set<std::string> desks) {
  CO_ASSIGN_OR_RETURN(const std::optional<v1::AlertState> state, store_.FrozenAlert(record, alert));
  if (!state.has_value()) {
    co_return absl::OkStatus();  // erased with another row that it joined
  }
  desks.insert(state->desk());
  for (const std::string& desk : desks) {
    if (desk.empty()) {
      continue;
    }
    storage::CommitRequest unlisted = store_.TakeFromList(desk, FromProto(state->raised()), alert);
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(unlisted));
    CO_RETURN_IF_ERROR(done.status());
  }
  const absl::Status emptied =
      co_await storage::EmptyPartition(context_.store, AlertingStore::AlertPartition(alert), "");
  co_return emptied;
}

// The reference stays known, by hashes alone: sent again it is a DUPLICATE, or REFERENCE_REUSED (D-2.10).
Task<absl::Status> Keeper::ReduceClaim(Id128 record, Id128 row) {
  const storage::Partition partition{storage::PartitionKind::kIndexBucket, row};
  for (int i = 0; i < kTries; ++i) {
    std::vector<storage::Partition> partitions = {partition};
    CO_ASSIGN_OR_RETURN(std::vector<Stored<v1::ReferenceClaim>> claims, store_.Claims(partitions));
    Stored<v1::ReferenceClaim>& claim = claims[0];
    if (claim.version == 0 || claim.value.record() != record.ToBytes()) {
      co_return absl::OkStatus();
    }
    claim.value.clear_record();
    claim.value.set_erased(true);
    storage::CommitRequest commit;
    commit.partition = partition;
    AlertingStore::PutClaim(claim, commit);
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("a reference's claim changes too often");
}

// One row of a record that stays: its alert, its claim, itself.
Task<absl::Status> Keeper::EraseRow(Id128 record, Id128 row, v1::RowState state) {
  const absl::StatusOr<Id128> alert = Id128::FromBytes(state.alert());
  if (alert.ok()) {
    std::set<std::string> desks;
    CO_ASSIGN_OR_RETURN(const auto stored, store_.Alert(*alert));
    if (stored.has_value() && stored->value.row() == row.ToBytes()) {
      const absl::Status erased = co_await EraseAlert(record, *alert, std::move(desks));
      CO_RETURN_IF_ERROR(erased);
    }
  }
  const absl::Status reduced = co_await ReduceClaim(record, row);
  CO_RETURN_IF_ERROR(reduced);
  storage::CommitRequest commit;
  commit.partition = AlertingStore::RecordPartition(record);
  commit.batch.push_back({std::string(AlertingStore::kRowPrefix) + row.ToBytes(), std::nullopt});
  const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
  co_return done.status();
}

Task<absl::Status> Keeper::ErasePersonState(Id128 person) {
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> names, store_.RecordsOf(person));
  for (const Id128& name : names) {
    std::vector<storage::Partition> partitions = {{storage::PartitionKind::kIndexBucket, name}};
    CO_ASSIGN_OR_RETURN(const std::vector<Stored<v1::ReferenceClaim>> claims, store_.Claims(partitions));
    const absl::StatusOr<Id128> record = Id128::FromBytes(claims[0].value.record());
    if (!record.ok()) {
      continue;  // a record: a subject of its own; or a row that is erased already
    }
    CO_ASSIGN_OR_RETURN(const std::optional<v1::RowState> row, store_.Row(*record, name));
    if (row.has_value()) {
      const absl::Status erased = co_await EraseRow(*record, name, *row);
      CO_RETURN_IF_ERROR(erased);
    }
  }
  const absl::Status forgotten = co_await linked_signs_.Forget(person);
  CO_RETURN_IF_ERROR(forgotten);
  const absl::Status emptied =
      co_await storage::EmptyPartition(context_.store, AlertingStore::PersonPartition(person), "");
  co_return emptied;
}

Task<absl::Status> Keeper::Acknowledge(Id128 erasure) {
  if (!peers_.acknowledge_erasure) {
    co_return absl::OkStatus();
  }
  consent::v1::AcknowledgeErasureRequest request;
  request.set_erasure_id(erasure.ToHex());
  const auto answer = co_await peers_.acknowledge_erasure(std::move(request), settings_.peer_timeout);
  co_return answer.status();
}

// Its leaves and its dossiers too.
Task<absl::Status> Keeper::EraseWholeRecord(Id128 record) {
  audit::ErasureRequest request;
  request.id = context_.random.Id();
  request.cause = "RETENTION";
  request.subjects = {AlertingStore::SubjectOf(record)};
  const absl::StatusOr<std::vector<Id128>> held =
      co_await context_.maintenance->holds().CopyOf(request.subjects);
  CO_RETURN_IF_ERROR(held.status());
  // Marked by the commit that requests the erasure: no crash leaves a mark of an erasure that never begins.
  storage::CommitRequest commit;
  commit.partition = AlertingStore::RecordPartition(record);
  CO_RETURN_IF_ERROR(PutMark(store_, record, commit).status());
  const absl::StatusOr<storage::CommitResult> begun =
      co_await context_.maintenance->Request(std::move(request), OwnEvent(context_), std::move(commit));
  co_return begun.status();
}

}  // namespace relais::alerting
