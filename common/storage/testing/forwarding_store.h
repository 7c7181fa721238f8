// A store that gives everything to another: what tests' stores that change one thing are made from.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/storage/store.h"

namespace relais::storage::testing {

/// As thread-safe as the inner store.
class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(std::unique_ptr<Store> inner) : inner_(std::move(inner)) {}

  [[nodiscard]] absl::StatusOr<std::optional<Entry>> Get(const Partition& partition,
                                                         std::string_view key) const override {
    return inner_->Get(partition, key);
  }
  [[nodiscard]] absl::StatusOr<bool> WithValue(
      const Partition& partition, std::string_view key,
      absl::FunctionRef<absl::Status(std::string_view value)> use) const override {
    return inner_->WithValue(partition, key, use);
  }
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override {
    return inner_->MultiGet(addresses);
  }
  [[nodiscard]] absl::StatusOr<Page> Scan(const Partition& partition, std::string_view prefix,
                                          std::string_view from, size_t page_size) const override {
    return inner_->Scan(partition, prefix, from, page_size);
  }
  [[nodiscard]] absl::StatusOr<Page> ScanReadable(const Partition& partition, std::string_view prefix,
                                                  std::string_view from, size_t page_size) const override {
    return inner_->ScanReadable(partition, prefix, from, page_size);
  }
  Task<absl::StatusOr<CommitResult>> Commit(CommitRequest request) override {
    auto done = co_await inner_->Commit(std::move(request));
    co_return done;
  }
  Task<std::vector<absl::StatusOr<CommitResult>>> CommitAll(std::vector<CommitRequest> requests) override {
    auto done = co_await inner_->CommitAll(std::move(requests));
    co_return done;
  }
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> LogGet(LogTable table,
                                                                  std::string_view key) const override {
    return inner_->LogGet(table, key);
  }
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<std::string>>> LogMultiGet(
      LogTable table, const std::vector<std::string>& keys) const override {
    return inner_->LogMultiGet(table, keys);
  }
  [[nodiscard]] absl::StatusOr<std::vector<LogEntry>> LogScan(LogTable table, std::string_view prefix,
                                                              std::string_view from,
                                                              size_t limit) const override {
    return inner_->LogScan(table, prefix, from, limit);
  }
  [[nodiscard]] absl::StatusOr<std::optional<LogEntry>> LogLast(LogTable table) const override {
    return inner_->LogLast(table);
  }
  [[nodiscard]] absl::StatusOr<std::vector<Partition>> ListPartitions(PartitionKind kind, const Id128& from,
                                                                      size_t limit) const override {
    return inner_->ListPartitions(kind, from, limit);
  }
  absl::Status LogCompact(LogTable table) override { return inner_->LogCompact(table); }
  absl::Status Compact() override { return inner_->Compact(); }
  [[nodiscard]] absl::Status failure() const override { return inner_->failure(); }

 protected:
  const std::unique_ptr<Store> inner_;
};

}  // namespace relais::storage::testing
