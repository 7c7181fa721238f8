// The default store: one RocksDB database, one writer thread, one fsync per group of commits.
#pragma once

#include <memory>
#include <shared_mutex>
#include <vector>

#include "common/base/executor.h"
#include "common/storage/rocksdb/backup.h"
#include "common/storage/rocksdb/options.h"
#include "common/storage/store.h"

namespace relais::storage {

class Database;
class FailureLatch;
class Writer;

/// The contract of store.h. A commit answered OK survives a crash of the process, of the machine and a loss
/// of power (fdatasync of the write-ahead log, before the answer).
///
/// On the first error of a write, of a flush or compaction, or of a read that the disk refuses, the store
/// stops: nothing is acknowledged from then on, everything pending and everything later, reads included, is
/// UNAVAILABLE and `on_failure` is called. Whether the last unanswered commits are on disk is known at the
/// next start. A damaged block or value is DATA_LOSS for the operation that met it, and does not stop the
/// store. But Get and WithValue do not look whether a sealed value of partition kind kDocument
/// (kSealedPrefix) is damaged: who opens it sees (ADR 44).
///
/// Memory: cache_bytes, memtables included, + version_cache_bytes + queue_bytes.
/// Reads may wait for the disk: not on a thread that must not block.
class RocksDbStore final : public Store {
 public:
  using Options = RocksDbOptions;

  /// Opens or makes the store; replays at most 64 MiB of write-ahead log. Executor and sequencer outlive it;
  /// the sequencer is called on the writer thread only, and not before the first commit. FAILED_PRECONDITION:
  /// open elsewhere, or written by a newer program. NOT_FOUND, DATA_LOSS, UNAVAILABLE: as the message says.
  static absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(Options options, Executor& executor,
                                                            Sequencer& sequencer);
  /// As Close.
  ~RocksDbStore() override;
  RocksDbStore(const RocksDbStore&) = delete;
  RocksDbStore& operator=(const RocksDbStore&) = delete;

  /// Commits what is queued, waits for running reads, closes the database and releases its lock. Everything
  /// later is UNAVAILABLE "store is closed". May be called again. Not on the writer thread.
  void Close();
  /// Commits waiting for the writer.
  [[nodiscard]] size_t queued() const;

  [[nodiscard]] absl::StatusOr<std::optional<Entry>> Get(const Partition& partition,
                                                         std::string_view key) const override;
  [[nodiscard]] absl::StatusOr<bool> WithValue(
      const Partition& partition, std::string_view key,
      absl::FunctionRef<absl::Status(std::string_view value)> use) const override;
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override;
  [[nodiscard]] absl::StatusOr<Page> Scan(const Partition& partition, std::string_view prefix,
                                          std::string_view from, size_t page_size) const override;
  [[nodiscard]] absl::StatusOr<Page> ScanReadable(const Partition& partition, std::string_view prefix,
                                                  std::string_view from, size_t page_size) const override;
  Task<absl::StatusOr<CommitResult>> Commit(CommitRequest request) override;
  Task<std::vector<absl::StatusOr<CommitResult>>> CommitAll(std::vector<CommitRequest> requests) override;
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> LogGet(LogTable table,
                                                                  std::string_view key) const override;
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<std::string>>> LogMultiGet(
      LogTable table, const std::vector<std::string>& keys) const override;
  [[nodiscard]] absl::StatusOr<std::vector<LogEntry>> LogScan(LogTable table, std::string_view prefix,
                                                              std::string_view from,
                                                              size_t limit) const override;
  [[nodiscard]] absl::StatusOr<std::optional<LogEntry>> LogLast(LogTable table) const override;
  [[nodiscard]] absl::StatusOr<std::vector<Partition>> ListPartitions(PartitionKind kind, const Id128& from,
                                                                      size_t limit) const override;
  absl::Status LogCompact(LogTable table) override;
  absl::Status Compact() override;
  /// Compactions under way and later ones end with CANCELLED: the store is about to close.
  void CancelCompactions();
  /// Copies the store as it is now into a folder of backups (rocksdb/backup.h). The store goes on meanwhile;
  /// a failure of the folder is not the store's.
  [[nodiscard]] absl::StatusOr<BackupInfo> Backup(const BackupRequest& request);
  [[nodiscard]] absl::Status failure() const override;

 private:
  RocksDbStore(std::shared_ptr<FailureLatch> latch, std::unique_ptr<Database> database,
               std::unique_ptr<Writer> writer);
  // Runs `read` on the database, unless the store failed or is closed.
  template <typename Read>
  std::invoke_result_t<Read, Database&> WithDatabase(Read read) const;

  const std::shared_ptr<FailureLatch> latch_;
  mutable std::shared_mutex mu_;        // shared by operations; exclusive to take the database away
  std::unique_ptr<Database> database_;  // null once closed
  const std::unique_ptr<Writer> writer_;
};

}  // namespace relais::storage
