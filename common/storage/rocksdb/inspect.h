// A stopped service's store, opened to be looked at and never changed: for fsck.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/storage/rocksdb/options.h"
#include "common/storage/store.h"

namespace relais::storage {

class Database;
class FailureLatch;

/// FAILED_PRECONDITION while another process has the store at `path` open: for what is done with a stopped
/// service's files. OK where there is no store. Not in a process that has it open itself.
[[nodiscard]] absl::Status CheckClosed(const std::string& path);

/// Reads as RocksDbStore does; commits and compactions are FAILED_PRECONDITION. Thread-safe.
class ReadOnlyStore final : public Store {
 public:
  /// As CheckClosed. Others as RocksDbStore::Open. Nothing is written.
  static absl::StatusOr<std::unique_ptr<ReadOnlyStore>> Open(RocksDbOptions options);
  ~ReadOnlyStore() override;
  ReadOnlyStore(const ReadOnlyStore&) = delete;
  ReadOnlyStore& operator=(const ReadOnlyStore&) = delete;

  /// What is wrong below the log: block checksums of every file; every data row's key, form and version, none
  /// above the last commit's. Place and problem. Keys are told by family and number, as they may name people.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Check() const;

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
  absl::Status LogCompact(LogTable table) override;
  absl::Status Compact() override;
  [[nodiscard]] absl::Status failure() const override;

 private:
  ReadOnlyStore(std::shared_ptr<FailureLatch> latch, std::unique_ptr<Database> database);

  const std::shared_ptr<FailureLatch> latch_;
  const std::unique_ptr<Database> database_;
};

}  // namespace relais::storage
