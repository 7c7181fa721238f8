// What alerting's keeper does about reminders (reminders.h).
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "services/alerting/change.h"
#include "services/alerting/domain/alert_state.h"
#include "services/alerting/keeper.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {
namespace {
constexpr int kTries = 20;
}  // namespace

Task<absl::Status> MarkVaultRecord(const rpc::ServiceContext& context, const AlertingStore& store,
                                   Id128 person) {
  const Id128 record = store.VaultRecordOf(person);
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(const AlertingStore::StoredRecord stored, store.Record(record));
    if (stored.erased.has_value()) {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit;
    const v1::ErasedRecord erased;
    AlertingStore::PutErased(erased, record, stored.version, commit);
    const absl::StatusOr<storage::CommitResult> done = co_await context.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the vault's record of a person changes too often");
}

// A paper's last day has passed, or a request ended undecided: nobody is to be reminded any more, and the
// alert's time begins (D-2.10). Who took that of a request reads of its end as of every other (ADR 52).
Task<absl::Status> Keeper::EndPastReminders(Id128 record, absl::Time now) {
  CO_ASSIGN_OR_RETURN(const std::vector<AlertingStore::StoredReminder> reminders, store_.Reminders(record));
  for (const AlertingStore::StoredReminder& reminder : reminders) {
    const absl::StatusOr<Id128> alert = Id128::FromBytes(reminder.state.alert());
    if (!alert.ok() || !IsPast(reminder.state.reminder(), now)) {
      continue;
    }
    AlertChange close = [](v1::AlertState& state) -> absl::StatusOr<bool> {
      return state.state() != v1::Alert::STATE_TAKEN && Advance(state, v1::Alert::STATE_CLOSED);
    };
    if (reminder.state.reminder().has_asked()) {
      close = EndReminder;
    }
    const absl::StatusOr<v1::AlertState> closed =
        co_await ChangeAlert(context_, store_, *alert, std::move(close));
    if (!absl::IsNotFound(closed.status()) && !audit::IsErased(closed.status())) {
      CO_RETURN_IF_ERROR(closed.status());
    }
  }
  co_return absl::OkStatus();
}

}  // namespace relais::alerting
