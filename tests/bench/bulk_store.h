// A store that only takes: what a service commits is decided and versioned as by a real store, then kept in
// memory until it is taken away, to be written as table files. For building a large store through the
// service's own code.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/storage/store.h"

namespace relais::bench {

/// The contract of store.h, but that nothing is durable, that what was taken away is not read any more, and
/// that the log cannot be read, nor partitions be listed, nor rows deleted (UNIMPLEMENTED). Commits end on
/// the calling thread. Thread-safe.
class BulkStore final : public storage::Store {
 public:
  struct Rows {
    std::map<std::string, storage::Entry> data;  // by encoded key
    std::vector<storage::LogRow> log;            // in the order of the log
  };

  /// `sequencer` is called under this store's lock. Versions go on after `last_version`.
  BulkStore(storage::Sequencer& sequencer, uint64_t last_version)
      : sequencer_(sequencer), last_version_(last_version) {}

  /// What was committed since the last time. No commit may need what is taken.
  Rows Take();
  [[nodiscard]] uint64_t last_version() const;

  [[nodiscard]] absl::StatusOr<std::optional<storage::Entry>> Get(const storage::Partition& partition,
                                                                  std::string_view key) const override;
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<storage::Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override;
  [[nodiscard]] absl::StatusOr<storage::Page> Scan(const storage::Partition& partition,
                                                   std::string_view prefix, std::string_view from,
                                                   size_t page_size) const override;
  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override;
  Task<std::vector<absl::StatusOr<storage::CommitResult>>> CommitAll(
      std::vector<storage::CommitRequest> requests) override;
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> LogGet(storage::LogTable table,
                                                                  std::string_view key) const override;
  [[nodiscard]] absl::StatusOr<std::vector<LogEntry>> LogScan(storage::LogTable table,
                                                              std::string_view prefix, std::string_view from,
                                                              size_t limit) const override;
  [[nodiscard]] absl::StatusOr<std::optional<LogEntry>> LogLast(storage::LogTable table) const override;
  [[nodiscard]] absl::StatusOr<std::vector<storage::Partition>> ListPartitions(storage::PartitionKind kind,
                                                                               const Id128& from,
                                                                               size_t limit) const override;
  absl::Status LogCompact(storage::LogTable table) override;
  absl::Status Compact() override;
  [[nodiscard]] absl::Status failure() const override { return absl::OkStatus(); }

 private:
  absl::StatusOr<storage::CommitResult> Apply(storage::CommitRequest request);

  mutable std::mutex mu_;
  storage::Sequencer& sequencer_;
  uint64_t last_version_;
  Rows rows_;
};

}  // namespace relais::bench
