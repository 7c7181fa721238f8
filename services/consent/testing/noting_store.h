// A store that notes what is done with another one: for tests on the work of a call.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
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
  using Rows = std::vector<std::pair<size_t, size_t>>;
  storage::PartitionKind kind = {};
  size_t preconditions = 0;
  Rows rows;
  std::vector<size_t> leaves;
  Rows log_rows;  // of the log itself, beside the leaves: the key of somebody new
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
    *out << ", of the log";
    for (const auto& [key, value] : shape.log_rows) {
      *out << ' ' << key << ':' << value;
    }
  }
};

/// One key that was looked for.
struct Look {
  std::string key;  // within its partition, or its table of the log
  bool found = false;
  friend bool operator==(const Look&, const Look&) = default;
  friend void PrintTo(const Look& look, std::ostream* out) {
    *out << look.key << (look.found ? ": found" : ": not there");
  }
};

/// Passes everything on. For one thread. What the other store's writer looks for itself, which is every
/// precondition, is not seen.
class NotingStore final : public storage::Store {
 public:
  explicit NotingStore(storage::Store& store) : store_(store) {}
  /// The same, its own.
  explicit NotingStore(std::unique_ptr<storage::Store> store) : own_(std::move(store)), store_(*own_) {}

  /// What was committed since the last time, in its order.
  std::vector<Shape> Take() { return std::exchange(commits_, {}); }
  /// How many submissions that was.
  size_t TakeSubmissions() { return std::exchange(submissions_, 0); }
  /// Keys read one by one since the last time, within their partitions.
  std::vector<std::string> TakeReads() {
    std::vector<std::string> keys;
    for (Look& look : TakeLooks()) {
      keys.push_back(std::move(look.key));
    }
    return keys;
  }
  /// The same, and whether each was there.
  std::vector<Look> TakeLooks() { return std::exchange(looks_, {}); }
  /// Keys of subjects looked for in the log's tables since the last time.
  std::vector<Look> TakeKeyLooks() { return std::exchange(key_looks_, {}); }
  /// Called with each key that is looked for.
  void OnLook(std::function<void(bool found)> on_look) { on_look_ = std::move(on_look); }

  absl::StatusOr<std::optional<storage::Entry>> Get(const storage::Partition& partition,
                                                    std::string_view key) const override {
    absl::StatusOr<std::optional<storage::Entry>> got = store_.Get(partition, key);
    NoteLook(looks_, key, got.ok() && got->has_value());
    return got;
  }
  absl::StatusOr<std::vector<std::optional<storage::Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override {
    absl::StatusOr<std::vector<std::optional<storage::Entry>>> got = store_.MultiGet(addresses);
    for (size_t i = 0; i < addresses.size(); ++i) {
      NoteLook(looks_, addresses[i].key, got.ok() && (*got)[i].has_value());
    }
    return got;
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
    absl::StatusOr<std::optional<std::string>> got = store_.LogGet(table, key);
    if (table == storage::LogTable::kSubjectKeys) {
      NoteLook(key_looks_, key, got.ok() && got->has_value());
    }
    return got;
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
  void NoteLook(std::vector<Look>& looks, std::string_view key, bool found) const {
    looks.push_back({std::string(key), found});
    if (on_look_) {
      on_look_(found);
    }
  }
  void Note(const storage::CommitRequest& request) {
    Shape shape;
    shape.kind = request.partition.kind;
    shape.preconditions = request.preconditions.size();
    for (const storage::Mutation& row : request.batch) {
      shape.rows.emplace_back(row.key.size(), row.value ? row.value->size() : 0);
    }
    for (const storage::LeafDraft& leaf : request.leaves) {
      shape.leaves.push_back(leaf.bytes.size());
      for (const storage::LogRow& row : leaf.rows) {
        shape.log_rows.emplace_back(row.key.size(), row.value ? row.value->size() : 0);
      }
    }
    commits_.push_back(std::move(shape));
  }

  const std::unique_ptr<storage::Store> own_;
  storage::Store& store_;
  std::vector<Shape> commits_;
  size_t submissions_ = 0;
  mutable std::vector<Look> looks_;
  mutable std::vector<Look> key_looks_;
  std::function<void(bool found)> on_look_;
};

}  // namespace relais::consent::testing
