// What alerting's keeper removes once its time is over (D-2.10).
#include <algorithm>
#include <iterator>
#include <utility>

#include "common/audit/does_not_read.h"
#include "common/audit/passed_over.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "common/storage/partitions.h"
#include "common/storage/salvage.h"
#include "services/alerting/domain/retention.h"
#include "services/alerting/keeper.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;
constexpr size_t kPageSize = 200;
constexpr size_t kRecordsPerStep = 50;
constexpr char kSignalRule[] = "SIGNAL_WITHOUT_ALERT";
constexpr char kAlertRule[] = "ALERT";

}  // namespace

Task<absl::StatusOr<bool>> Keeper::Sweep() {
  co_await ResumeOn(context_.executor);
  const absl::Time now = context_.log.Now();
  CO_ASSIGN_OR_RETURN(const storage::SalvagedPartitions records,
                      storage::SalvagePartitions(context_.store, storage::PartitionKind::kSenderRecord, from_,
                                                 kRecordsPerStep));
  audit::PassedOver(records.gaps.size());
  for (const storage::Partition& partition : records.partitions) {
    from_ = storage::NextId(partition.id);
    const absl::StatusOr<bool> swept = co_await SweepRecord(partition.id, now);
    if (audit::DoesNotRead(swept.status())) {
      audit::PassedOver(1);
      continue;
    }
    CO_RETURN_IF_ERROR(swept.status());
  }
  if (records.next.has_value()) {
    from_ = *records.next;
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
    ASSIGN_OR_RETURN(const storage::Page page,
                     context_.store.Scan(AlertingStore::RecordPartition(record), AlertingStore::kRowPrefix,
                                         from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      ASSIGN_OR_RETURN(const Id128 row_id, AlertingStore::RowOf(entry.key));
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
  const absl::Status caught_up = co_await CatchUp();
  CO_RETURN_IF_ERROR(caught_up);
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
    CO_ASSIGN_OR_RETURN(const storage::Page page,
                        context_.store.Scan(AlertingStore::RecordPartition(record), AlertingStore::kRowPrefix,
                                            from, kPageSize));
    for (const storage::KeyedEntry& entry : page.entries) {
      CO_ASSIGN_OR_RETURN(const Id128 row_id, AlertingStore::RowOf(entry.key));
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

}  // namespace relais::alerting
