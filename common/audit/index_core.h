// What the parts of an Index share. Private to common/audit.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "common/audit/index_format.h"
#include "common/audit/log.h"
#include "common/audit/waiters.h"
#include "common/base/executor.h"
#include "common/base/secret.h"
#include "common/base/task.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// Held by shared_ptr, so that a frame that is about to end may outlive the Index.
struct IndexCore {
  IndexCore(Log& a_log, storage::Store& a_store, Executor& an_executor)
      : log(a_log),
        store(a_store),
        executor(an_executor),
        key(log.DeriveKey(kIndexKeyInfo)),
        ended(std::make_shared<Waiters>(executor)),
        indexed_waiters(std::make_shared<Waiters>(executor)),
        idle(std::make_shared<Waiters>(executor)) {}

  Log& log;
  storage::Store& store;
  Executor& executor;
  const Secret key;
  const std::shared_ptr<Waiters> ended;            // stopping
  const std::shared_ptr<Waiters> indexed_waiters;  // a size is indexed
  const std::shared_ptr<Waiters> idle;             // the loop has ended
  std::atomic<bool> stopping = false;
  std::atomic<bool> running = false;
  std::atomic<uint32_t> generation = 1;
  std::atomic<uint64_t> indexed = 0;

  // The loop's own.
  absl::flat_hash_set<std::string> catalogued;  // of the generation's partitions, keys of the catalogue

  [[nodiscard]] storage::Partition meta() const {
    return {storage::PartitionKind::kIndexBucket, IndexMeta(key)};
  }
};
using IndexCorePtr = std::shared_ptr<IndexCore>;

/// Indexes what comes until stopped; an error is retried for ever.
Task<void> FollowForIndex(IndexCorePtr core, bool rebuild);

}  // namespace relais::audit::internal
