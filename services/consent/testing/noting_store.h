// A store that notes what is done with another one: for tests on the work of a call.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/storage/store.h"

namespace relais::consent::testing {

/// What a commit looks like to the disk: keys and values by their size alone.
struct Shape {
  storage::PartitionKind kind = {};
  size_t preconditions = 0;
  std::vector<std::pair<size_t, size_t>> rows;
  std::vector<size_t> leaves;
  friend bool operator==(const Shape&, const Shape&) = default;
  friend void PrintTo(const Shape& shape, std::ostream* out) {
    *out << static_cast<char>(shape.kind) << ", " << shape.preconditions << " preconditions, rows";
    for (const auto& [key, value] : shape.rows) {
      *out << ' ' << key << ':' << value;
    }
    *out << ", leaves";
    for (const size_t leaf : shape.leaves) {
      *out << ' ' << leaf;
    }
  }
};

/// Passes everything on. For one thread.
class NotingStore final : public storage::Store {
 public:
  explicit NotingStore(storage::Store& store) : store_(store) {}

  /// What was committed since the last time, in its order.
  std::vector<Shape> Take() { return std::exchange(commits_, {}); }
  /// How many submissions that was.
  size_t TakeSubmissions() { return std::exchange(submissions_, 0); }
  /// Keys read one by one since the last time, within their partitions.
  std::vector<std::string> TakeReads() { return std::exchange(reads_, {}); }

  absl::StatusOr<std::optional<storage::Entry>> Get(const storage::Partition& partition,
                                                    std::string_view key) const override {
    reads_.emplace_back(key);
    return store_.Get(partition, key);
  }
  absl::StatusOr<std::vector<std::optional<storage::Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override {
    for (const Address& address : addresses) {
      reads_.push_back(address.key);
    }
    return store_.MultiGet(addresses);
  }
  absl::StatusOr<storage::Page> Scan(const storage::Partition& partition, std::string_view prefix,
                                     std::string_view from, size_t page_size) const override {
    return store_.Scan(partition, prefix, from, page_size);
  }
  Task<absl::StatusOr<storage::CommitResult>> Commit(storage::CommitRequest request) override {
    ++submissions_;
    Note(request);
    return store_.Commit(std::move(request));
  }
  Task<std::vector<absl::StatusOr<storage::CommitResult>>> CommitAll(
      std::vector<storage::CommitRequest> requests) override {
    ++submissions_;
    for (const storage::CommitRequest& request : requests) {
      Note(request);
    }
    return store_.CommitAll(std::move(requests));
  }
  absl::StatusOr<std::optional<std::string>> LogGet(storage::LogTable table,
                                                    std::string_view key) const override {
    return store_.LogGet(table, key);
  }
  absl::StatusOr<std::vector<LogEntry>> LogScan(storage::LogTable table, std::string_view prefix,
                                                std::string_view from, size_t limit) const override {
    return store_.LogScan(table, prefix, from, limit);
  }
  absl::StatusOr<std::optional<LogEntry>> LogLast(storage::LogTable table) const override {
    return store_.LogLast(table);
  }
  absl::StatusOr<std::vector<storage::Partition>> ListPartitions(storage::PartitionKind kind,
                                                                 const Id128& from,
                                                                 size_t limit) const override {
    return store_.ListPartitions(kind, from, limit);
  }
  absl::Status LogCompact(storage::LogTable table) override { return store_.LogCompact(table); }
  absl::Status Compact() override { return store_.Compact(); }
  absl::Status failure() const override { return store_.failure(); }

 private:
  void Note(const storage::CommitRequest& request) {
    Shape shape;
    shape.kind = request.partition.kind;
    shape.preconditions = request.preconditions.size();
    for (const storage::Mutation& row : request.batch) {
      shape.rows.emplace_back(row.key.size(), row.value ? row.value->size() : 0);
    }
    for (const storage::LeafDraft& leaf : request.leaves) {
      shape.leaves.push_back(leaf.bytes.size());
    }
    commits_.push_back(std::move(shape));
  }

  storage::Store& store_;
  std::vector<Shape> commits_;
  size_t submissions_ = 0;
  mutable std::vector<std::string> reads_;
};

}  // namespace relais::consent::testing
