// The vault's log, as alerting reads it: papers that expire, and papers that were asked for, become
// reminders, and what renews, destroys, decides or unlinks ends them (D-3.7; reminders.h).
#pragma once

#include <optional>
#include <string>

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "services/alerting/change.h"
#include "services/alerting/reminders.h"

namespace relais::alerting {

/// A reminder is kept as a row of the vault's record of her (AlertingStore::VaultRecordOf) in one commit with
/// a leaf of alerting's own log, from which its alert and message follow as a feed's do. Each once, however
/// often its leaf is followed: a row is named by the leaf's event id. A person who is being erased, or was,
/// gets none. A log that is read again from its first leaf makes none either: what was due then is past.
/// Thread-safe.
class VaultLeaves final : public audit::LeafHandler {
 public:
  VaultLeaves(const rpc::ServiceContext& context, const calendar::Paris& paris, const AlertingStore& store)
      : context_(context), paris_(paris), store_(store) {}

  /// Leaves of one person in order.
  [[nodiscard]] std::string OrderKey(const audit::FollowedLeaf& leaf) const override;
  [[nodiscard]] bool Concerns(const audit::FollowedLeaf& leaf) const override;
  Task<absl::Status> Apply(audit::FollowedLeaf leaf, bool effects) override;

 private:
  Task<absl::Status> Remind(Id128 person, audit::FollowedLeaf leaf);
  Task<absl::Status> Keep(Id128 person, Id128 row, v1::Reminder reminder);
  Task<absl::Status> EndAll(Id128 person, ReminderEnd end);
  Task<absl::Status> EndOne(Id128 record, AlertingStore::StoredReminder reminder);

  const rpc::ServiceContext& context_;
  const calendar::Paris& paris_;
  const AlertingStore& store_;
};

}  // namespace relais::alerting
