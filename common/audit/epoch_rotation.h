// The end of an epoch, step by step (maintenance.h). Private to common/audit.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "common/base/executor.h"
#include "common/base/random.h"
#include "common/base/task.h"
#include "common/crypto/key_ring.h"
#include "common/storage/store.h"
#include "relais/audit/v1/state.pb.h"

namespace relais::audit::internal {

/// One rotation, begun now or by an earlier process:
///
///   1  row "rotation" says that it is under way
///   2  the ring gets the next epoch's key; from here on every key row that reaches the store is wrapped by
///      it, whatever draft it comes from (TreeSequencer), and a commit that waits behind all earlier ones
///      makes these visible
///   3  rows of the old epoch are wrapped anew, in commits of a few hundred, until a pass over the whole
///   table
///      finds none
///   4  compaction: the old rows leave the live files
///   5  the old key is destroyed in the ring, and in its copy if it has one
///   6  leaf EPOCH_ROTATED, one per few hundred erasures that ended with the epoch
///   7  these erasures remember the leaf; the row "rotation" goes
///
/// Every step finds out by itself whether it was done. Not thread-safe; lives until Run has ended.
class EpochRotation {
 public:
  EpochRotation(Log& log, storage::Store& store, crypto::KeyRing& ring, Random& random, Executor& executor,
                const std::atomic<bool>& stopping, storage::Partition partition, Event event)
      : log_(log),
        store_(store),
        ring_(ring),
        random_(random),
        executor_(executor),
        stopping_(stopping),
        partition_(partition),
        event_(std::move(event)) {}

  static absl::StatusOr<bool> UnderWay(const storage::Store& store);
  /// The index of the (first) EPOCH_ROTATED leaf.
  Task<absl::StatusOr<uint64_t>> Run();

 private:
  struct Pass {
    uint64_t renewed = 0;
    uint64_t survivors = 0;
  };
  Task<absl::Status> Begin();
  absl::Status TakeNextEpoch();
  Task<absl::Status> WrapAnew();
  Task<absl::StatusOr<Pass>> OnePass();
  absl::Status DestroyOld();
  Task<absl::StatusOr<uint64_t>> Say();
  Task<absl::Status> Finish(uint64_t first_leaf);
  absl::StatusOr<std::vector<audit::v1::StoredErasure>> Ended(uint64_t said_from) const;
  Task<absl::StatusOr<storage::CommitResult>> Commit(std::vector<storage::LeafDraft> drafts);

  Log& log_;
  storage::Store& store_;
  crypto::KeyRing& ring_;
  Random& random_;
  Executor& executor_;
  const std::atomic<bool>& stopping_;
  const storage::Partition partition_;
  const Event event_;
  audit::v1::StoredRotation state_;
};

}  // namespace relais::audit::internal
