// Followers: every effect in another partition or another service is made by reading a log in order.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/random.h"
#include "common/base/task.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"
#include "relais/audit/v1/audit_service.pb.h"

namespace relais::audit {

/// One leaf as followed. Part P is empty when `opening` is WITHHELD or ERASED: such leaves count for the
/// tree, but are given only to handlers that want them. Of a withheld leaf there may be the hash alone; it is
/// never given.
struct FollowedLeaf {
  uint64_t index = 0;
  std::string bytes;
  std::optional<merkle::Hash> hash;  // in place of the bytes
  absl::Time time;
  audit::v1::LeafHeader header;
  audit::v1::TailLeaf::Opening opening = audit::v1::TailLeaf::OPENING_UNSPECIFIED;
  audit::v1::LeafDetails details;
};

/// Where the leaves of one log come from: this service's own log, a peer over gRPC, or the simulator's
/// network. One coroutine at a time reads; one probes. UNAVAILABLE errors are retried by the follower for
/// ever.
class TailSource {
 public:
  virtual ~TailSource() = default;
  /// Consecutive leaves from `from`; waits for some, at most `wait`, then answers an empty list.
  virtual Task<absl::StatusOr<std::vector<FollowedLeaf>>> Read(uint64_t from, size_t limit,
                                                               absl::Duration wait) = 0;
  /// The log's state at some instant after this call began; the nonce proves it.
  virtual Task<absl::StatusOr<LogState>> Probe(std::string nonce) = 0;
};

/// The service's own log, as a source. With `wanted`, of leaves of other classes the hash alone comes:
/// nothing is opened or copied that no handler reads. A read that found nothing wanted, and little, answers
/// up to 5 ms later, as a peer's tail sends its leaves; one that found something wanted answers at once.
std::unique_ptr<TailSource> LocalSource(Log& log, Log::Wanted wanted = nullptr);

/// What is done with a leaf. Must be idempotent: after a crash leaves are applied again from the cursor.
class LeafHandler {
 public:
  virtual ~LeafHandler() = default;
  /// Leaves with the same key are applied one after the other, in order; others up to the window at once.
  /// Default: one key for all.
  [[nodiscard]] virtual std::string OrderKey(const FollowedLeaf& /*leaf*/) const { return ""; }
  /// False: the leaf is counted and never given. A function of the leaf alone. Default: every leaf concerns.
  [[nodiscard]] virtual bool Concerns(const FollowedLeaf& /*leaf*/) const { return true; }
  /// True: leaves whose part P is withheld or erased are given too. Default: they are skipped.
  [[nodiscard]] virtual bool WantsUnopened() const { return false; }
  /// `effects` is false for leaves at or below the recorded effect cursor (a rebuild): then only local state
  /// may be written and nothing may be called. An error is retried with growing delay, for ever; a leaf that
  /// can never be applied must return OK.
  virtual Task<absl::Status> Apply(FollowedLeaf leaf, bool effects) = 0;
};

/// request_id of an effect: `<log origin>:<leaf index>:<effect number>`.
std::string EffectId(std::string_view origin, uint64_t index, int effect);

struct FollowerOptions {
  std::string name;                             // of the cursor, unique in the store: "consent", "own"
  size_t window = 64;                           // leaves in flight
  absl::Duration lease = absl::ZeroDuration();  // zero: no lease is wanted
  absl::Duration probe_interval = absl::Milliseconds(200);
  /// Starts from leaf 0 again, whatever the log's origin is now. The effect cursor stays, so that what had
  /// its effects gets `effects` = false; but for a log of another origin, where nobody knows any more.
  bool rebuild = false;
};

/// Follows one log with a durable cursor kept in `store` (partition kCursor of that name): index, origin,
/// compact tree. The cursor is written behind the work, at most every 100 ms, so leaves may be applied again
/// after a crash. Verifies that what it reads is one growing log: another origin, a smaller size or a root
/// that does not match stops it and raises `alarmed`.
///
/// The lease (architecture, "Calls, boot"): runs `lease` from the monotonic *send* time of a probe, once the
/// log is applied up to the size that the answer named and its root agrees. After a start there is none until
/// this succeeds.
class Follower {
 public:
  static std::unique_ptr<Follower> Create(FollowerOptions options, TailSource& source, LeafHandler& handler,
                                          storage::Store& store, Clock& clock, Random& random,
                                          Executor& executor);
  /// The destructor requires Stop to have ended.
  virtual ~Follower() = default;
  /// Reads the cursor and starts following.
  virtual absl::Status Start() = 0;
  /// Stops; resumes when nothing is in flight and the cursor is written.
  virtual Task<bool> Stop() = 0;

  /// Leaves applied: every leaf below this index.
  [[nodiscard]] virtual uint64_t applied() const = 0;
  /// Leaves that the log is known to have: the largest size it has named, at least `applied()`.
  [[nodiscard]] virtual uint64_t known() const = 0;
  /// True when the lease is held at this monotonic instant.
  [[nodiscard]] virtual bool LeaseHeld() const = 0;
  /// Monotonic instant until which it is held.
  [[nodiscard]] virtual absl::Duration LeaseUntil() const = 0;
  [[nodiscard]] virtual bool alarmed() const = 0;
  /// Resumes with true once `applied() >= size`; false after `wait`.
  virtual Task<bool> WaitApplied(uint64_t size, absl::Duration wait) = 0;
};

}  // namespace relais::audit
