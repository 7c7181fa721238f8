// Erasures under way and done (maintenance.h). Private to common/audit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/erasure_journal.h"
#include "common/audit/holds.h"
#include "common/audit/log.h"
#include "common/audit/maintenance.h"
#include "common/base/random.h"
#include "common/base/task.h"
#include "common/storage/store.h"
#include "relais/audit/v1/state.pb.h"

namespace relais::audit::internal {

/// The partition in which maintenance commits, and where acknowledgements are kept.
[[nodiscard]] storage::Partition MaintenancePartition();
/// One commit there.
Task<absl::StatusOr<storage::CommitResult>> CommitThere(storage::Store& store,
                                                        std::vector<storage::LeafDraft> drafts,
                                                        std::vector<storage::Mutation> batch = {});

/// Request, Acknowledged and the looks are thread-safe; RunReady and Reapply are the worker's.
///
/// An erasure of several persons, who are one human, is one here and several for those who follow this log
/// (ADR 41): the leaf of every person after the first asks under a random id of its own, which is remembered
/// with the erasure. It is over for a service once that has acknowledged every one of these ids.
class Erasures {
 public:
  Erasures(const MaintenanceOptions& options, Log& log, storage::Store& store, Random& random,
           std::unique_ptr<ErasureJournal> journal, Holds& holds,
           std::function<Event(audit::v1::EventClass)> own_event)
      : options_(options),
        log_(log),
        store_(store),
        random_(random),
        journal_(std::move(journal)),
        holds_(holds),
        own_event_(std::move(own_event)) {}

  absl::Status Load();
  void UseKeeper(StateKeeper* keeper) { keeper_ = keeper; }

  Task<absl::StatusOr<storage::CommitResult>> Request(ErasureRequest request, Event event,
                                                      storage::CommitRequest commit);
  /// `asked`: the id of one of the erasure's leaves.
  Task<absl::Status> AcknowledgedBy(Id128 asked, std::string service);
  [[nodiscard]] absl::StatusOr<bool> Knows(const Id128& erasure) const;
  [[nodiscard]] absl::StatusOr<Maintenance::Certificate> Find(const Id128& erasure) const;
  /// Oldest first.
  [[nodiscard]] std::vector<MaintenanceStatus::Pending> pending() const;

  /// Makes those that wait for nobody, as far as each can go now. The first error, after all were tried.
  Task<absl::Status> RunReady();
  /// Makes again what the journal has and this store has not.
  Task<absl::Status> Reapply();
  /// Erasures whose keys this process destroyed: the worker's.
  [[nodiscard]] uint64_t destroyed() const { return destroyed_; }

 private:
  struct Pending {
    audit::v1::StoredErasure stored;
    std::map<Id128, std::set<std::string>> acknowledged;  // by the id of the leaf that asked
    // False while its request is being committed. A follower may read the leaf, erase and acknowledge before
    // the commit's own coroutine goes on: that must not be taken for an erasure nobody knows.
    bool committed = true;
  };
  absl::Status LoadPending();
  absl::Status LoadAcknowledgements();
  absl::Status AddLeaves(const ErasureRequest& request, Event event, audit::v1::StoredErasure& stored,
                         storage::CommitRequest& commit);
  [[nodiscard]] Pending* FindAsked(const Id128& asked);
  void NoteAsked(const Id128& id, const audit::v1::StoredErasure& stored);
  void ForgetAsked(const audit::v1::StoredErasure& stored);
  [[nodiscard]] std::vector<std::string> WaitingFor(const Pending& pending) const;
  bool Enter(const Id128& id, Pending pending);
  void Withdraw(const Id128& id);
  [[nodiscard]] audit::v1::StoredErasure StoredOf(const Id128& id) const;
  Task<absl::Status> EraseOne(Id128 id);
  Task<absl::Status> EraseStates(std::vector<Subject> subjects);
  Task<absl::Status> KeepHeld(Id128 id, std::vector<Subject> subjects);
  Task<absl::Status> DestroyKeys(Id128 id, std::vector<Subject> subjects);
  Task<absl::Status> Sweep(std::vector<Subject> subjects);
  Task<absl::Status> Forget(Id128 id);
  [[nodiscard]] absl::StatusOr<std::map<Id128, std::vector<Subject>>> Missing(uint64_t applied) const;
  Task<absl::Status> BeginAgain(Id128 id, std::vector<Subject> subjects);

  const MaintenanceOptions& options_;
  Log& log_;
  storage::Store& store_;
  Random& random_;
  const std::unique_ptr<ErasureJournal> journal_;
  Holds& holds_;
  const std::function<Event(audit::v1::EventClass)> own_event_;
  StateKeeper* keeper_ = nullptr;
  uint64_t destroyed_ = 0;
  mutable std::mutex mu_;
  std::map<Id128, Pending> pending_;
  std::map<Id128, Id128> asked_as_;  // the ids of further persons' leaves → their erasure
  std::set<Id128> journalled_;       // no acknowledgement is waited for any more
};

}  // namespace relais::audit::internal
