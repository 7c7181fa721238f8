// What a log does to itself over time: erasures, rotations of the epoch key, the end of month keys, and the
// service's own retention sweep. One worker does all of it, one thing after the other.
//
// An erasure has two steps (architecture, "Erasure"):
//
//   requested   leaf ERASE_REQUESTED about each subject; subjects are frozen (SubjectKeys) from here on.
//               The leaf of every person after the first asks under an id of its own (ADR 41)
//   waiting     until every service of `wait_for` has acknowledged each of these ids: their followers read
//               those leaves, and an erasure there is of one person
//   copied      legal holds that cover them bring their copies up to date (holds.h)
//   state       the keeper deletes what the service holds of the subjects
//   journal     the erasure is in the journal outside the store, fsynced
//   destroyed   leaf ERASED about nobody; with it the keys become tombstones, in one commit
//   swept       pointers go in bounded commits, the keeper looks once more, the peer that asked is told
//   done        what is left names nobody: ids, instants and leaf indices, for the certificate
//
// A crash at any point goes on from the rows beside the leaves. A rotation: a new epoch key is used from one
// instant on; every surviving key is wrapped anew in bounded commits while the service serves; once none of
// the old epoch is left the live files are compacted, the old key is destroyed in the ring, and EPOCH_ROTATED
// says which erasures' last copies ended with it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/holds.h"
#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/random.h"
#include "common/base/task.h"
#include "common/crypto/key_ring.h"
#include "common/storage/store.h"
#include "relais/audit/v1/state.pb.h"

namespace relais::audit {

/// The part of a service that knows its partitions. All of it is idempotent: after a crash it is called
/// again.
class StateKeeper : public HeldStates {
 public:
  /// Deletes every row about the subject, and whatever elsewhere names it. Called while the subject is frozen
  /// (its state opens by OpenFrozenState) and again once its key is gone.
  virtual Task<absl::Status> EraseState(Subject subject) = 0;
  /// Tells who waits for it that the erasure is done here. An error is retried for ever.
  virtual Task<absl::Status> Acknowledge(Id128 erasure) = 0;
  /// One bounded step of the daily retention sweep. True: there is more.
  virtual Task<absl::StatusOr<bool>> Sweep() = 0;
};

struct MaintenanceOptions {
  std::string institution;                             // "service/consent": whose acts these leaves are
  std::function<uint64_t()> directory_version;         // in force
  std::set<std::string> wait_for = {};                 // services whose acknowledgement an erasure needs
  std::string journal_path = {};                       // outside the store; empty: kept in memory, for tests
  int agent_names_months = 12;                         // D-2.10
  absl::Duration epoch_length = absl::Hours(24 * 30);  // zero: epochs end on demand only
  absl::Duration sweep_every = absl::Hours(24);
  absl::Duration compact_every = absl::Minutes(10);  // at most this often after erasures
};

struct ErasureRequest {
  Id128 id;
  std::vector<Subject> subjects;  // at least one; the person it is asked for first
  std::string cause;              // as EraseRequested has it
  std::vector<Subject> unknown;   // those of them whose leaf is this log's own act, not the event's author's
};

struct MaintenanceStatus {
  struct Pending {
    Id128 erasure;
    absl::Time requested;
    std::vector<std::string> waiting_for;
  };
  uint32_t epoch = 0;
  absl::Time epoch_since = absl::InfinitePast();
  absl::Time rotation_due = absl::InfiniteFuture();
  bool rotating = false;
  std::vector<std::string> months;
  std::vector<Pending> erasures;
  std::map<std::string, absl::Time> done;  // recurring work by name → when last
};

/// Thread-safe. Life: Open → UseKeeper → Reapply → Start → Stop. Everything it is given outlives it.
class Maintenance {
 public:
  /// Reads what is under way and freezes its subjects. FAILED_PRECONDITION when the journal holds less than
  /// this store knows of.
  static absl::StatusOr<std::unique_ptr<Maintenance>> Open(MaintenanceOptions options, Log& log,
                                                           storage::Store& store, crypto::KeyRing& ring,
                                                           Clock& clock, Random& random, Executor& executor);
  virtual ~Maintenance() = default;

  /// Before Reapply. Without one there is no state but the log's.
  virtual void UseKeeper(StateKeeper* keeper) = 0;
  /// Erases again what the journal has and this store has not: it is a restored one. To be done before
  /// anything is served.
  virtual Task<absl::Status> Reapply() = 0;
  virtual void Start() = 0;
  virtual Task<bool> Stop() = 0;
  /// Everything that can be done now; what Start does again and again. The first error, after all was tried.
  virtual Task<absl::Status> RunOnce() = 0;

  /// Commits the request: `commit` has partition, batch and preconditions; the leaves and the row that
  /// remembers it are added. Subjects are frozen from before the commit on; again free if it fails (ABORTED:
  /// a precondition). `event`: class, subject and payload are filled in. IsErased: it is asked for already.
  virtual Task<absl::StatusOr<storage::CommitResult>> Request(ErasureRequest request, Event event,
                                                              storage::CommitRequest commit) = 0;
  /// True when this erasure is under way or done here.
  [[nodiscard]] virtual absl::StatusOr<bool> Knows(const Id128& erasure) const = 0;
  /// Durable on OK. `erasure`: as the leaf said it that asked, of every person one. What is over, or nobody
  /// knows, is acknowledged by doing nothing.
  virtual Task<absl::Status> AcknowledgedBy(Id128 erasure, std::string service) = 0;

  /// Ends the epoch; resumes with the index of the EPOCH_ROTATED leaf. One at a time: a second caller waits
  /// for the same.
  virtual Task<absl::StatusOr<uint64_t>> RotateEpoch() = 0;
  /// Resumes with the index of its leaf. NOT_FOUND: no key of that month. FAILED_PRECONDITION: not over yet.
  virtual Task<absl::StatusOr<uint64_t>> DestroyMonth(std::string month) = 0;
  /// Writes a PURGED leaf, if `count` is not zero, and remembers when the rule was last applied.
  virtual Task<absl::Status> Purged(std::string rule, absl::Time due_before, uint64_t count) = 0;

  /// Legal holds of this service; ended at their time and, but for texts, copied by this one's worker.
  [[nodiscard]] virtual Holds& holds() = 0;

  [[nodiscard]] virtual MaintenanceStatus status() const = 0;
  /// What is remembered of an erasure; `waiting_for` while it waits. NOT_FOUND.
  struct Certificate {
    audit::v1::StoredErasure stored;
    std::vector<std::string> waiting_for;
  };
  [[nodiscard]] virtual absl::StatusOr<Certificate> Find(const Id128& erasure) const = 0;
};

}  // namespace relais::audit
