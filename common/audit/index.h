// The derived indexes of a log: which leaves have which institution, recipient, purpose, agent … They only
// propose; whoever asks looks at the leaves themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/index_format.h"
#include "common/audit/log.h"
#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/storage/store.h"

namespace relais::audit {

namespace internal {
struct IndexCore;
}  // namespace internal

/// Follows the service's own log from a durable cursor, in runs of leaves (ADR 6): a leaf costs few bytes and
/// no random key of its own. Rows are durable before `indexed` passes their leaves; after a crash a run is
/// written again, over the same keys. Not a person's: log pointers find those.
///
/// What is of part P is found by keyed hashes under a key of the log; what is of part R under a key of that
/// month, whose rows are removed when its MONTH_KEY_DESTROYED leaf is indexed, and cannot be found even
/// before.
///
/// Thread-safe. Log, store and executor outlive it.
class Index {
 public:
  Index(Log& log, storage::Store& store, Executor& executor);
  /// Requires that Stop has ended, or that it was never started.
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  /// Begins to follow; waits for nothing. `rebuild`: from leaf 0, and what there was is removed.
  void Start(bool rebuild = false);
  /// Resumes when nothing is under way.
  Task<bool> Stop();

  /// Every leaf below this index is indexed, durably.
  [[nodiscard]] uint64_t indexed() const;
  /// Resumes with true once `indexed() >= size`; false after `wait`.
  Task<bool> WaitIndexed(uint64_t size, absl::Duration wait);

  static constexpr uint64_t kSegment = internal::kSegmentLeaves;
  /// Values of which a leaf must have one.
  using AnyOf = std::vector<IndexedValue>;
  /// Candidates in a segment: indices [segment × kSegment, (segment + 1) × kSegment) below `indexed()`,
  /// ascending. Every leaf that has a value of each of `all` is among them; others may be. `all` is not
  /// empty.
  [[nodiscard]] absl::StatusOr<std::vector<uint64_t>> Find(uint64_t segment,
                                                           const std::vector<AnyOf>& all) const;

 private:
  const std::shared_ptr<internal::IndexCore> core_;
};

}  // namespace relais::audit
