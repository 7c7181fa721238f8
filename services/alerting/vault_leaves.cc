#include "services/alerting/vault_leaves.h"

#include <utility>
#include <vector>

#include "common/audit/does_not_read.h"
#include "common/base/log.h"
#include "common/base/proto_time.h"
#include "common/base/status.h"
#include "services/alerting/events.h"

namespace relais::alerting {
namespace {

constexpr int kTries = 20;

std::optional<Id128> PersonOf(const audit::FollowedLeaf& leaf) {
  if (leaf.details.subject().kind() != audit::v1::Subject::KIND_PERSON) {
    return std::nullopt;
  }
  const absl::StatusOr<Id128> id = Id128::FromBytes(leaf.details.subject().id());
  return id.ok() ? std::optional<Id128>(*id) : std::nullopt;
}

}  // namespace

std::string VaultLeaves::OrderKey(const audit::FollowedLeaf& leaf) const {
  const std::optional<Id128> person = PersonOf(leaf);
  return person.has_value() ? person->ToBytes() : "";
}

bool VaultLeaves::Concerns(const audit::FollowedLeaf& leaf) const {
  switch (leaf.header.event_class()) {
    case audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING:
    case audit::v1::EVENT_CLASS_DOCUMENT_ASKED:
    case audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED:
    case audit::v1::EVENT_CLASS_DOCUMENT_CHANGED:
    case audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED:
    case audit::v1::EVENT_CLASS_HOST_CHANGED:
      return true;
    default:
      return false;
  }
}

Task<absl::Status> VaultLeaves::Apply(audit::FollowedLeaf leaf, bool effects) {
  const std::optional<Id128> person = PersonOf(leaf);
  if (!effects || !person.has_value()) {
    co_return absl::OkStatus();
  }
  absl::Status status;
  if (leaf.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING ||
      leaf.header.event_class() == audit::v1::EVENT_CLASS_DOCUMENT_ASKED) {
    status = co_await Remind(*person, std::move(leaf));
  } else if (std::optional<ReminderEnd> end = ReminderEndOf(leaf); end.has_value()) {
    status = co_await EndAll(*person, *std::move(end));
  }
  if (audit::DoesNotRead(status)) {
    // Nothing is sent of what cannot be read, and nobody else waits for it.
    log::Error("the reminders of a person cannot be read: hers are not sent", {log::Field::Code(status)});
    co_return absl::OkStatus();
  }
  co_return audit::IsErased(status) ? absl::OkStatus() : status;
}

Task<absl::Status> VaultLeaves::Remind(Id128 person, audit::FollowedLeaf leaf) {
  std::vector<v1::Reminder> reminders = RemindersOf(leaf, *context_.directory(), paris_, context_.log.Now());
  for (v1::Reminder& reminder : reminders) {
    const char* kind = reminder.to_referent() ? "reminder-referent" : "reminder";
    const Id128 row = context_.idempotency.Bucket(kind, reminder.host(), leaf.header.event_id()).id;
    const absl::Status kept = co_await Keep(person, row, std::move(reminder));
    CO_RETURN_IF_ERROR(kept);
  }
  co_return absl::OkStatus();
}

// Guarded by what the record was read at: an erasure that begins in between has marked it (keeper.h), so that
// the commit fails. Nothing else says that the record is hers: its id does.
Task<absl::Status> VaultLeaves::Keep(Id128 person, Id128 row, v1::Reminder reminder) {
  const Id128 record = store_.VaultRecordOf(person);
  v1::RowState state;
  *state.mutable_accepted() = ToProto(context_.log.Now());
  state.set_alert(context_.random.Id().ToBytes());
  state.set_rule(std::string(RuleOf(reminder)));
  *state.mutable_reminder() = std::move(reminder);
  for (int i = 0; i < kTries; ++i) {
    CO_ASSIGN_OR_RETURN(AlertingStore::StoredRecord stored, store_.Record(record));
    if (stored.erased.has_value()) {
      co_return absl::OkStatus();  // she is being erased, or was
    }
    CO_ASSIGN_OR_RETURN(const AlertingStore::RowPlace place, store_.PlaceOf(record, row));
    if (place.accepted) {
      co_return absl::OkStatus();
    }
    storage::CommitRequest commit;
    CO_ASSIGN_OR_RETURN(storage::LeafDraft leaf,
                        context_.log.Draft(ReminderEvent(OwnCall(context_), record, row, state.rule())));
    commit.leaves.push_back(std::move(leaf));
    stored.value.set_institution(std::string(kVaultSource));
    CO_RETURN_IF_ERROR(store_.PutRecord(stored, record, commit));
    CO_RETURN_IF_ERROR(store_.PutRow(state, record, row, place.version, commit));
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
    if (!absl::IsAborted(done.status())) {
      co_return done.status();
    }
  }
  co_return absl::AbortedError("the vault's record of a person changes too often");
}

Task<absl::Status> VaultLeaves::EndAll(Id128 person, ReminderEnd end) {
  const Id128 record = store_.VaultRecordOf(person);
  CO_ASSIGN_OR_RETURN(std::vector<AlertingStore::StoredReminder> reminders, store_.Reminders(record));
  for (AlertingStore::StoredReminder& reminder : reminders) {
    if (Ends(end, reminder.state.reminder())) {
      const absl::Status ended = co_await EndOne(record, std::move(reminder));
      CO_RETURN_IF_ERROR(ended);
    }
  }
  co_return absl::OkStatus();
}

// The row first: an alert that is about to be raised from it is then not sent (sending.h).
Task<absl::Status> VaultLeaves::EndOne(Id128 record, AlertingStore::StoredReminder reminder) {
  if (!reminder.state.reminder().over()) {
    reminder.state.mutable_reminder()->set_over(true);
    storage::CommitRequest commit;
    commit.partition = AlertingStore::RecordPartition(record);
    CO_RETURN_IF_ERROR(store_.PutRow(reminder.state, record, reminder.row, reminder.version, commit));
    const absl::StatusOr<storage::CommitResult> done = co_await context_.store.Commit(std::move(commit));
    CO_RETURN_IF_ERROR(done.status());  // ABORTED: purged or erased meanwhile; looked at again
  }
  CO_ASSIGN_OR_RETURN(const Id128 alert_id, Id128::FromBytes(reminder.state.alert()));
  AlertChange end = EndReminder;
  const absl::StatusOr<v1::AlertState> changed =
      co_await ChangeAlert(context_, store_, alert_id, std::move(end));
  co_return absl::IsNotFound(changed.status()) ? absl::OkStatus() : changed.status();
}

}  // namespace relais::alerting
