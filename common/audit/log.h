// The audit log of one service: gives leaves their place, proves them, signs checkpoints, wakes those who
// follow.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/audit/drafted.h"
#include "common/audit/event.h"
#include "common/audit/leaf.h"
#include "common/audit/subject_keys.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/random.h"
#include "common/base/task.h"
#include "common/crypto/ed25519.h"
#include "common/crypto/key_ring.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"
#include "relais/audit/v1/leaf.pb.h"
#include "relais/common/v1/types.pb.h"

namespace relais::audit {

struct LogState {
  std::string origin;
  uint64_t size = 0;
  merkle::Hash root{};
};

/// A leaf as a follower or auditor sees it.
struct OpenedLeaf {
  enum class Opening { kOpened, kErased, kWithheld };
  uint64_t index = 0;
  std::string bytes;
  std::optional<merkle::Hash> hash;  // of a withheld leaf, in place of all the rest
  Leaf leaf;
  Opening opening = Opening::kOpened;
  audit::v1::LeafDetails details;  // empty when erased or withheld
};

/// Part R as an auditor sees it.
struct OpenedActor {
  audit::v1::LeafActor actor;
  absl::Time month;  // an instant of the month (UTC) under whose key it was sealed
};

struct LogOptions {
  std::string origin;  // "relais.test/consent/1": trust domain, service, epoch
  struct Signer {
    std::string name;  // C2SP key name: the origin; empty means the origin
    crypto::SigningKey key;
  };
  std::vector<Signer> signers;      // at least one; during a rotation, both
  crypto::KeyRing* ring = nullptr;  // "audit-epoch", "audit-month/<yyyy-mm>", "audit-log"; made when missing
  std::string published_path;       // the last checkpoint given out, outside the store; empty: none is kept
  bool test_mode = false;
  size_t subject_cache_entries = 100000;
  /// The store lost leaves that were given out, and the log goes on all the same, under this origin:
  /// `<name>/<epoch + 1>` of the one before. See LossOf in continuation.h.
  bool accept_loss = false;
};

/// Thread-safe but for the Sequencer part, which a store's writer calls.
///
/// Life: Create → open the store with `sequencer()` → Recover(store) → use → Stop. Recover reads O(log n)
/// nodes and refuses (DATA_LOSS) a tree that does not contain the last published checkpoint: a roll-back.
class Log {
 public:
  static absl::StatusOr<std::unique_ptr<Log>> Create(LogOptions options, Clock& clock, Random& random,
                                                     Executor& executor);
  virtual ~Log() = default;

  virtual storage::Sequencer& sequencer() = 0;
  virtual absl::Status Recover(storage::Store& store) = 0;
  /// What was lost, when `accept_loss` opened this log and LOG_CONTINUED is still to be written (start.h).
  [[nodiscard]] virtual const std::optional<audit::v1::LogContinued>& lost() const = 0;

  /// Seals an event into a draft for a commit. Cheap (about 10 µs); any thread.
  virtual absl::StatusOr<storage::LeafDraft> Draft(Event event) = 0;
  virtual SubjectKeys& keys() = 0;

  /// What is durable now.
  [[nodiscard]] virtual LogState state() const = 0;
  [[nodiscard]] virtual const std::string& origin() const = 0;
  /// The C2SP verifier keys of those who sign this log's checkpoints, in the order of the signatures.
  [[nodiscard]] virtual std::vector<std::string> signer_keys() const = 0;
  /// The origin under which this leaf was written: an earlier one for leaves from before a loss.
  [[nodiscard]] virtual std::string OriginOf(uint64_t index) const = 0;
  /// `<origin>:<size>`.
  [[nodiscard]] std::string Revision(uint64_t size) const;
  /// Reads consecutive leaves, at most `limit` and about 4 MiB; empty at the end.
  virtual absl::StatusOr<std::vector<std::string>> ReadLeaves(uint64_t from, size_t limit) = 0;
  /// The same with part P opened. With `wanted`, only of the classes for which it says true; of the others,
  /// kWithheld, only index and hash are filled.
  using Wanted = std::function<bool(audit::v1::EventClass)>;
  virtual absl::StatusOr<std::vector<OpenedLeaf>> ReadOpened(uint64_t from, size_t limit,
                                                             const Wanted& wanted = nullptr) = 0;
  /// Leaves at these indices, in that order, with part P opened: one person's, say. OUT_OF_RANGE for an index
  /// that is not durable yet.
  virtual absl::StatusOr<std::vector<OpenedLeaf>> OpenAt(const std::vector<uint64_t>& indices) = 0;
  /// Opens part P of a leaf that ReadLeaves gave at this index.
  virtual absl::StatusOr<OpenedLeaf> OpenLeaf(uint64_t index, std::string bytes) = 0;
  /// Indices of a subject's leaves from `from` on, ascending.
  virtual absl::StatusOr<std::vector<uint64_t>> LeavesOf(const Subject& subject, uint64_t from,
                                                         size_t limit) = 0;
  /// Resumes once the log is longer than `size`, or after `wait`, or when the log stops.
  virtual Task<uint64_t> WaitForGrowth(uint64_t size, absl::Duration wait) = 0;

  /// Part R. NOT_FOUND once the month's key is destroyed.
  virtual absl::StatusOr<audit::v1::LeafActor> Actor(const Leaf& leaf) = 0;
  /// The same, with the month.
  virtual absl::StatusOr<OpenedActor> OpenActor(const Leaf& leaf) = 0;

  /// For the log's index, which alone calls this: consecutive leaves from `from` as they were drafted, and
  /// opened as far as that is not known any more; at most `limit` and about 4 MiB, empty at the end. Who
  /// acted in them is forgotten with this call (ADR 33), so the same leaf asked for again is opened. Whether
  /// the month's key is still there is for the caller to see.
  virtual absl::StatusOr<std::vector<LeafForIndex>> TakeForIndex(uint64_t from, size_t limit) = 0;
  /// The key of this month (UTC) was destroyed: what it sealed is forgotten here too.
  virtual void ForgetMonth(absl::CivilMonth month) = 0;

  /// Keys of 32 bytes for what is derived from this log (indexes, page tokens): from the log's own key, which
  /// is never destroyed, and from a month's key, which is. `info` separates uses.
  [[nodiscard]] virtual Secret DeriveKey(std::string_view info) const = 0;
  /// NOT_FOUND when there never was a key of that month or it is destroyed.
  [[nodiscard]] virtual absl::StatusOr<Secret> DeriveMonthKey(absl::Time month,
                                                              std::string_view info) const = 0;

  /// The latest signed checkpoint, of at least `min_size`; signs at most every 50 ms, on demand, after fsync.
  virtual Task<absl::StatusOr<std::string>> Checkpoint(uint64_t min_size) = 0;
  virtual absl::StatusOr<std::vector<merkle::Hash>> Inclusion(uint64_t index, uint64_t size) = 0;
  virtual absl::StatusOr<std::vector<merkle::Hash>> Consistency(uint64_t old_size, uint64_t new_size) = 0;
  /// Everything a receipt needs about a leaf. `with_key`: the leaf's own key too.
  virtual Task<absl::StatusOr<common::v1::Proof>> Prove(uint64_t index, bool with_key) = 0;

  /// OK, or FAILED_PRECONDITION when the machine's clock is more than two seconds behind the last leaf: no
  /// business write until an operator decides.
  [[nodiscard]] virtual absl::Status ClockStatus() const = 0;
  /// max(last leaf's time, now): the instant at which audited reads happen.
  [[nodiscard]] virtual absl::Time Now() const = 0;

  /// Signs and publishes a last checkpoint; wakes all who wait. No commit may follow.
  virtual void Stop() = 0;
};

/// Checks a receipt without any server: leaf hash, inclusion, checkpoint signature by one of `keys`; then
/// opens part P if the proof has the leaf's key. The error says which check failed.
struct VerifiedProof {
  Leaf leaf;
  uint64_t index = 0;
  uint64_t tree_size = 0;
  std::optional<audit::v1::LeafDetails> details;
};
struct NamedVerifyKey {
  std::string name;
  crypto::VerifyKey key;
};
absl::StatusOr<VerifiedProof> VerifyProof(const common::v1::Proof& proof,
                                          const std::vector<NamedVerifyKey>& keys);

}  // namespace relais::audit
