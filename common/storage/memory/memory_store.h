// The store of the simulator and of unit tests: the contract of store.h over tables in memory, which outlive
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/base/executor.h"
#include "common/storage/memory/memory_disk.h"
#include "common/storage/memory/memory_writer.h"
#include "common/storage/store.h"

namespace relais::storage {

/// A process's view of a MemoryDisk. One store at a time is open on a disk; open the next one after `Kill`.
///
/// Deterministic: no thread of its own, everything happens in functions posted to the executor, so a
/// SimExecutor's seed decides the order. Thread-safe under a ThreadPool. A group is a `Commit` or a
/// `CommitAll`. A group's writes become visible only once all its commits are decided, as they do in RocksDB;
/// but the commits of a CommitAll reach the disk one by one, so that a crash may keep the first and lose the
/// last. Executor and sequencer outlive the store and everything that still waits on the executor.
class MemoryStore final : public Store {
 public:
  struct Options {
    /// How long a commit takes; called once per group. None: it takes one turn of the executor.
    std::function<absl::Duration()> commit_delay = {};
    /// Called with 0, 1, 2 … before (even) and after (odd) each commit reaches the disk. True: the process
    /// dies here, as by Kill.
    std::function<bool(uint64_t step)> crash_at = {};
    /// Aborts the process, with the rule's name on stderr, on a commit out of bounds or naming a key twice,
    /// and on a Sequencer whose places are not consecutive or whose rows are outside the log's tables.
    bool strict = false;
  };

  MemoryStore(std::shared_ptr<MemoryDisk> disk, Executor& executor, Sequencer& sequencer, Options options);
  /// As Kill.
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  /// The process crashes: the disk keeps what was applied and is not touched again; every pending and later
  /// operation of this object ends with UNAVAILABLE "store is closed". A pending commit may have been
  /// applied.
  void Kill();

  [[nodiscard]] absl::StatusOr<std::optional<Entry>> Get(const Partition& partition,
                                                         std::string_view key) const override;
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override;
  [[nodiscard]] absl::StatusOr<Page> Scan(const Partition& partition, std::string_view prefix,
                                          std::string_view from, size_t page_size) const override;
  Task<absl::StatusOr<CommitResult>> Commit(CommitRequest request) override;
  Task<std::vector<absl::StatusOr<CommitResult>>> CommitAll(std::vector<CommitRequest> requests) override;
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> LogGet(LogTable table,
                                                                  std::string_view key) const override;
  [[nodiscard]] absl::StatusOr<std::vector<LogEntry>> LogScan(LogTable table, std::string_view prefix,
                                                              std::string_view from,
                                                              size_t limit) const override;
  [[nodiscard]] absl::StatusOr<std::optional<LogEntry>> LogLast(LogTable table) const override;
  [[nodiscard]] absl::StatusOr<std::vector<Partition>> ListPartitions(PartitionKind kind, const Id128& from,
                                                                      size_t limit) const override;
  /// Deleted rows are gone at once here: does nothing.
  absl::Status LogCompact(LogTable table) override;
  absl::Status Compact() override { return failure(); }
  [[nodiscard]] absl::Status failure() const override;

 private:
  const std::shared_ptr<MemoryDisk> disk_;
  const std::shared_ptr<MemoryWriter> writer_;
};

}  // namespace relais::storage
