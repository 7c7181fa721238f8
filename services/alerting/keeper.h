// What alerting does for erasure and retention (common/audit/maintenance.h).
//
// A sender record that is erased keeps its place as a mark (ErasedRecord) that holds nothing of hers but
// whether an objection binds (D-1.6): what its institution says of that human from then on is a record of
// its own. References that were accepted stay known by their keyed hashes (D-2.10).
#pragma once

#include <atomic>
#include <set>
#include <string>

#include "common/audit/follower.h"
#include "common/audit/maintenance.h"
#include "services/alerting/linked_signs.h"
#include "services/alerting/peers.h"
#include "services/alerting/settings.h"
#include "services/alerting/store.h"

namespace relais::alerting {

/// Begins the erasure of a person here: of herself, of whom alerting knows which records are hers, and of
/// these, the vault's record of her among them. Idempotent by its id.
Task<absl::Status> ErasePerson(const rpc::ServiceContext& context, const AlertingStore& store, Id128 erasure,
                               Id128 person, std::string cause);

/// Marks the vault's record of her as erased, also where there is none: a reminder of hers that comes later
/// finds that. (An institution's record has a successor, which this one has not.)
Task<absl::Status> MarkVaultRecord(const rpc::ServiceContext& context, const AlertingStore& store,
                                   Id128 person);

class Keeper final : public audit::StateKeeper {
 public:
  Keeper(const rpc::ServiceContext& context, const Peers& peers, const Settings& settings,
         const AlertingStore& store, audit::Follower& own)
      : context_(context),
        peers_(peers),
        settings_(settings),
        store_(store),
        own_(own),
        linked_signs_(context, store) {}

  /// From here on the follower of alerting's own log is waited for.
  void FollowingStarted() { following_ = true; }

  /// Of a record: its rows, their alerts at the desks, what its references' claims say beside their hashes.
  /// Of a person: which records were hers, and at a collective address her rows in a record that others
  /// share.
  Task<absl::Status> EraseState(audit::Subject subject) override;
  /// The records under which she was registered, and the vault's record of her (keeper_held.cc).
  absl::StatusOr<std::vector<audit::Subject>> HeldWith(const audit::Subject& person) override;
  /// Of a record: itself, its rows, their alerts. Of a person: what stands in records that are not hers
  /// alone.
  Task<absl::Status> EachState(audit::Subject subject, audit::HeldSink& sink) override {
    return audit::KeepAll(StateOf(subject), sink);
  }
  Task<absl::Status> Acknowledge(Id128 erasure) override;
  /// Signals without alert, 13 months; alerts with their rows, 24 months after they ended (D-2.10): some
  /// dozen records a step. A record, or a stretch of their list, that does not read is passed over, and tried
  /// again the next time.
  Task<absl::StatusOr<bool>> Sweep() override;

 private:
  absl::StatusOr<std::vector<audit::v1::HeldState>> StateOf(const audit::Subject& subject);
  absl::StatusOr<std::vector<audit::v1::HeldState>> StateOfPerson(const Id128& person) const;
  absl::Status AddLeavesNaming(const Id128& record, const Id128& row, const std::string& alert,
                               std::vector<audit::v1::HeldState>& states) const;
  // UNAVAILABLE while the follower of the own log is behind.
  Task<absl::Status> CatchUp();
  Task<absl::Status> EraseRecord(Id128 record);
  Task<absl::Status> EraseRows(Id128 record);
  Task<absl::Status> EraseRow(Id128 record, Id128 row, v1::RowState state);
  Task<absl::Status> EraseAlert(Id128 record, Id128 alert, std::set<std::string> desks);
  Task<absl::Status> ReduceClaim(Id128 record, Id128 row);
  Task<absl::Status> ErasePersonState(Id128 person);
  absl::StatusOr<std::set<std::string>> DesksOf(const Id128& record) const;
  Task<absl::StatusOr<bool>> SweepRecord(Id128 record, absl::Time now);
  Task<absl::Status> EndPastReminders(Id128 record, absl::Time now);
  Task<absl::StatusOr<std::set<Id128>>> AlertsDue(Id128 record, absl::Time now);
  Task<absl::Status> DetachAlerts(Id128 record, std::set<Id128> alerts);
  [[nodiscard]] absl::StatusOr<std::set<Id128>> AlertsOf(const Id128& record) const;
  [[nodiscard]] absl::StatusOr<bool> IsDue(const v1::RowState& row, const std::set<Id128>& alerts,
                                           absl::Time now) const;
  Task<absl::Status> EraseWholeRecord(Id128 record);

  const rpc::ServiceContext& context_;
  const Peers& peers_;
  const Settings& settings_;
  const AlertingStore& store_;
  audit::Follower& own_;
  LinkedSigns linked_signs_;
  std::atomic<bool> following_ = false;
  // Where the sweep is.
  Id128 from_;
  uint64_t purged_ = 0;
  uint64_t purged_alerts_ = 0;
};

}  // namespace relais::alerting
