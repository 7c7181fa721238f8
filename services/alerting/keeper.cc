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
constexpr size_t kRecordsPerStep = 50;
constexpr std::string_view kRecordKey = "record";
constexpr std::string_view kRowPrefix = "row/";
constexpr char kSignalRule[] = "SIGNAL_WITHOUT_ALERT";

absl::StatusOr<Id128> RowOf(std::string_view key) { return Id128::FromBytes(key.substr(kRowPrefix.size())); }

audit::Event OwnEvent(const rpc::ServiceContext& context) {
  audit::Event event;
  event.institution = "service/alerting";
  event.directory_version = context.directory()->version();
  return event;
}

// From here on its institution's rows go to the record's successor; a commit under way fails and reads again.
Task<absl::Status> MarkErased(const rpc::ServiceContext& context, const AlertingStore& store, Id128 record) {
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store.Record(record));
    if (stored.version == 0 || stored.erased.has_value()) {
      co_return absl::OkStatus();
    }
    v1::ErasedRecord erased;
    if (stored.value.institution().empty()) {  // frozen: an erasure that is made again
      CO_ASSIGN_OR_RETURN(const std::optional<v1::RecordState> state, store.FrozenRecord(record));
      if (state.has_value()) {
        erased.set_objection(state->objection());
        erased.set_consent_time(state->consent_time());
      }
    } else {
      erased.set_objection(stored.value.objection());
      erased.set_consent_time(stored.value.consent_time());
    }
    storage::CommitRequest commit;
    AlertingStore::PutErased(erased, record, stored.version, commit);
    const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

}  // namespace

// ---- erasure

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
  CO_ASSIGN_OR_RETURN(const std::vector<Id128> records, store.RecordsOf(person));
  for (const Id128& record : records) {
    CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store.Record(record));
    if (stored.version == 0) {
      continue;  // a row at a collective address: its record is not hers alone
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
  if (following_) {
    const bool caught_up = co_await own_.WaitApplied(context_.log.state().size, kCatchUp);
    if (!caught_up) {
      co_return absl::UnavailableError("the follower of the own log is behind");
    }
  }
  absl::Status status;
  if (subject.kind == audit::Subject::Kind::kPerson) {
    status = co_await ErasePersonState(subject.id);
  } else {
    status = co_await EraseRecord(subject.id);
  }
  co_return status;
}

Task<absl::Status> Keeper::EraseRecord(Id128 record) {
  const absl::Status marked = co_await MarkErased(context_, store_, record);
  CO_RETURN_IF_ERROR(marked);
  const absl::Status rows = co_await EraseRows(record);
  CO_RETURN_IF_ERROR(rows);
  const absl::Status emptied = co_await storage::EmptyPartition(
      context_.store, AlertingStore::RecordPartition(record), std::string(kRecordKey));
  co_return emptied;
}

Task<absl::Status> Keeper::EraseRows(Id128 record) {
  CO_ASSIGN_OR_RETURN(const std::set<std::string> desks, DesksOf(record));
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(AlertingStore::RecordPartition(record),
                                                                      kRowPrefix, from, kPageSize));
    for (const storage::KeyedEntry& row : page.entries) {
      CO_ASSIGN_OR_RETURN(const Id128 row_id, RowOf(row.key));
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
  commit.batch.push_back({std::string(kRowPrefix) + row.ToBytes(), std::nullopt});
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

// ---- retention (D-2.10)

Task<absl::StatusOr<bool>> Keeper::Sweep() {
  co_await ResumeOn(context_.executor);
  const absl::Time now = context_.log.Now();
  CO_ASSIGN_OR_RETURN(
      const std::vector<storage::Partition> records,
      context_.store.ListPartitions(storage::PartitionKind::kSenderRecord, from_, kRecordsPerStep));
  for (const storage::Partition& partition : records) {
    from_ = storage::NextId(partition.id);
    const absl::StatusOr<bool> swept = co_await SweepRecord(partition.id, now);
    CO_RETURN_IF_ERROR(swept.status());
  }
  if (records.size() == kRecordsPerStep && !from_.IsZero()) {
    co_return true;
  }
  from_ = Id128();
  const absl::Status said = co_await context_.maintenance->Purged(
      kSignalRule, SignalsDueBefore(now, settings_.retention), std::exchange(purged_, 0));
  CO_RETURN_IF_ERROR(said);
  co_return false;
}

// True: nothing was left of the record, and its erasure began.
Task<absl::StatusOr<bool>> Keeper::SweepRecord(Id128 record, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store_.Record(record));
  if (stored.version == 0 || stored.erased.has_value()) {
    co_return false;
  }
  size_t kept = 0;
  size_t purged = 0;
  std::string from;
  do {
    CO_ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(AlertingStore::RecordPartition(record),
                                                                      kRowPrefix, from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      CO_ASSIGN_OR_RETURN(const Id128 row_id, RowOf(entry.key));
      CO_ASSIGN_OR_RETURN(const std::optional<v1::RowState> row, store_.Row(record, row_id));
      if (!row.has_value()) {
        continue;
      }
      if (!SignalDue(FromProto(row->accepted()), !row->alert().empty(), now, settings_.retention)) {
        ++kept;
        continue;
      }
      const absl::Status erased = co_await EraseRow(record, row_id, *row);
      CO_RETURN_IF_ERROR(erased);
      ++purged;
    }
    from = page.next;
  } while (!from.empty());
  purged_ += purged;
  if (kept > 0 || purged == 0) {
    co_return false;
  }
  // Its leaves and its dossiers too.
  const absl::Status marked = co_await MarkErased(context_, store_, record);
  CO_RETURN_IF_ERROR(marked);
  audit::ErasureRequest request;
  request.id = context_.random.Id();
  request.cause = "RETENTION";
  request.subjects = {AlertingStore::SubjectOf(record)};
  storage::CommitRequest commit;
  commit.partition = AlertingStore::RecordPartition(record);
  const absl::StatusOr<storage::CommitResult> begun =
      co_await context_.maintenance->Request(std::move(request), OwnEvent(context_), std::move(commit));
  CO_RETURN_IF_ERROR(begun.status());
  co_return true;
}

}  // namespace relais::alerting
