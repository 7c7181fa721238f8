#include "services/alerting/keeper.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "relais/alerting/v1/events.pb.h"
#include "services/alerting/reminders.h"

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
constexpr char kAlertRule[] = "ALERT";

absl::StatusOr<Id128> RowOf(std::string_view key) { return Id128::FromBytes(key.substr(kRowPrefix.size())); }

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
  const absl::Status alerts_said = co_await context_.maintenance->Purged(
      kAlertRule, AlertsDueBefore(now, settings_.retention), std::exchange(purged_alerts_, 0));
  CO_RETURN_IF_ERROR(alerts_said);
  co_return false;
}

// The alerts that the record's rows raised or joined.
absl::StatusOr<std::set<Id128>> Keeper::AlertsOf(const Id128& record) const {
  std::set<Id128> alerts;
  std::string from;
  do {
    ASSIGN_OR_RETURN(const storage::Page page, context_.store.Scan(AlertingStore::RecordPartition(record),
                                                                   kRowPrefix, from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const Id128 row_id, RowOf(entry.key));
      ASSIGN_OR_RETURN(const std::optional<v1::RowState> row, store_.Row(record, row_id));
      const absl::StatusOr<Id128> alert =
          row.has_value() ? Id128::FromBytes(row->alert()) : absl::NotFoundError("");
      if (alert.ok()) {
        alerts.insert(*alert);
      }
    }
    from = page.next;
  } while (!from.empty());
  return alerts;
}

// Those to be removed. The record forgets them first, so that a new row raises another alert instead of
// joining one of these; a row that had joined before has reopened it once the follower has read it.
Task<absl::StatusOr<std::set<Id128>>> Keeper::AlertsDue(Id128 record, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const std::set<Id128> alerts, AlertsOf(record));
  std::set<Id128> due;
  for (const Id128& id : alerts) {
    CO_ASSIGN_OR_RETURN(const auto alert, store_.Alert(id));
    if (alert.has_value() && AlertDue(alert->value, now, settings_.retention)) {
      due.insert(id);
    }
  }
  if (due.empty()) {
    co_return due;
  }
  const absl::Status detached = co_await DetachAlerts(record, due);
  CO_RETURN_IF_ERROR(detached);
  if (following_) {
    const bool caught_up = co_await own_.WaitApplied(context_.log.state().size, kCatchUp);
    if (!caught_up) {
      co_return absl::UnavailableError("the follower of the own log is behind");
    }
  }
  for (auto it = due.begin(); it != due.end();) {
    CO_ASSIGN_OR_RETURN(const auto alert, store_.Alert(*it));
    const bool still = alert.has_value() && AlertDue(alert->value, now, settings_.retention);
    it = still ? std::next(it) : due.erase(it);
  }
  co_return due;
}

Task<absl::Status> Keeper::DetachAlerts(Id128 record, std::set<Id128> alerts) {
  const auto gone = [&alerts](const std::string& bytes) {
    const absl::StatusOr<Id128> id = Id128::FromBytes(bytes);
    return id.ok() && alerts.contains(*id);
  };
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(AlertingStore::StoredRecord stored, store_.Record(record));
    if (stored.version == 0 || stored.erased.has_value()) {
      co_return absl::OkStatus();
    }
    if (gone(stored.value.recurrence_alert())) {
      stored.value.clear_recurrence_alert();
    }
    for (v1::DossierState& dossier : *stored.value.mutable_dossiers()) {
      auto& told = *dossier.mutable_alerts();
      told.erase(std::remove_if(told.begin(), told.end(), gone), told.end());
    }
    storage::CommitRequest commit;
    CO_RETURN_IF_ERROR(store_.PutRecord(stored, record, commit));
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the sender record changes too often");
}

// A row goes with its alert. One whose alert is gone already is what a crash left of it, if it is old enough;
// a young one's is about to be raised.
absl::StatusOr<bool> Keeper::IsDue(const v1::RowState& row, const std::set<Id128>& alerts,
                                   absl::Time now) const {
  const absl::Time accepted = FromProto(row.accepted());
  if (row.alert().empty()) {
    return SignalDue(accepted, false, now, settings_.retention);
  }
  ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(row.alert()));
  if (alerts.contains(id)) {
    return true;
  }
  ASSIGN_OR_RETURN(const auto alert, store_.Alert(id));
  return !alert.has_value() && accepted < AlertsDueBefore(now, settings_.retention);
}

// True: nothing was left of the record, and its erasure began.
Task<absl::StatusOr<bool>> Keeper::SweepRecord(Id128 record, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store_.Record(record));
  if (stored.version == 0 || stored.erased.has_value()) {
    co_return false;
  }
  const bool vaults = stored.value.institution() == kVaultSource;
  if (vaults) {  // goes with her alone
    const absl::Status ended = co_await EndPastReminders(record, now);
    CO_RETURN_IF_ERROR(ended);
  }
  const absl::StatusOr<std::set<Id128>> alerts = co_await AlertsDue(record, now);
  CO_RETURN_IF_ERROR(alerts.status());
  // Before the rows, from whose alerts alone their desks are known.
  std::set<std::string> desks;
  if (!alerts->empty()) {
    CO_ASSIGN_OR_RETURN(desks, DesksOf(record));
  }
  for (const Id128& alert : *alerts) {
    std::set<std::string> all_desks = desks;
    const absl::Status erased = co_await EraseAlert(record, alert, std::move(all_desks));
    CO_RETURN_IF_ERROR(erased);
    ++purged_alerts_;
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
      CO_ASSIGN_OR_RETURN(const bool due, IsDue(*row, *alerts, now));
      if (!due) {
        ++kept;
        continue;
      }
      const absl::Status erased = co_await EraseRow(record, row_id, *row);
      CO_RETURN_IF_ERROR(erased);
      purged_ += row->alert().empty() ? 1 : 0;
      ++purged;
    }
    from = page.next;
  } while (!from.empty());
  // A record may have none from the start, for an objection alone. One that had some, and lost the last when
  // a crash came, is known by what they made of it.
  const bool had_rows = purged > 0 || stored.value.dossiers_size() > 0 || stored.value.registered();
  if (kept > 0 || !had_rows || vaults) {
    // Whether its rows went now or before a crash: what is left may be no sign any more (D-1.13).
    const absl::Status changed = co_await linked_signs_.RecordChanged(record);
    CO_RETURN_IF_ERROR(changed);
    co_return false;
  }
  const absl::Status begun = co_await EraseWholeRecord(record);
  CO_RETURN_IF_ERROR(begun);
  co_return true;
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
