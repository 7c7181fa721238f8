// A store on a disk of which stretches do not read, as RocksDB meets damaged blocks: for tests.
#pragma once

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/storage/testing/forwarding_store.h"

namespace relais::storage::testing {

/// What lies in a damaged stretch is DATA_LOSS to whatever meets it: to a Get or a precondition of such a
/// key, to a Scan of which a row, or the one after its last, lies there, and to a listing that comes by a
/// partition whose first row does. What is written there later reads. Not thread-safe but for the inner
/// store's part.
class DamagedStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  /// From one key of the partition to another, both included.
  void Damage(const Partition& partition, const std::string& first, const std::string& last) {
    const auto& stretch = damage_.emplace_back(partition.Encode() + first, partition.Encode() + last);
    written_.erase(written_.lower_bound(stretch.first), written_.upper_bound(stretch.second));
  }
  void Damage(const Partition& partition, const std::string& key) { Damage(partition, key, key); }
  /// The disk refuses everything from here on; OK: it reads again.
  void Refuse(absl::Status why) { refuses_ = std::move(why); }

  [[nodiscard]] absl::StatusOr<std::optional<Entry>> Get(const Partition& partition,
                                                         std::string_view key) const override {
    RETURN_IF_ERROR(Readable(partition, key));
    return inner_->Get(partition, key);
  }
  [[nodiscard]] absl::StatusOr<bool> WithValue(
      const Partition& partition, std::string_view key,
      absl::FunctionRef<absl::Status(std::string_view value)> use) const override {
    RETURN_IF_ERROR(Readable(partition, key));
    return inner_->WithValue(partition, key, use);
  }
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<Entry>>> MultiGet(
      const std::vector<Address>& addresses) const override {
    for (const Address& address : addresses) {
      RETURN_IF_ERROR(Readable(address.partition, address.key));
    }
    return inner_->MultiGet(addresses);
  }
  [[nodiscard]] absl::StatusOr<Page> Scan(const Partition& partition, std::string_view prefix,
                                          std::string_view from, size_t page_size) const override {
    ASSIGN_OR_RETURN(Page page, inner_->Scan(partition, prefix, from, page_size));
    for (const KeyedEntry& row : page.entries) {
      RETURN_IF_ERROR(Readable(partition, row.key));
    }
    RETURN_IF_ERROR(Readable(partition, page.next));
    return page;
  }
  [[nodiscard]] absl::StatusOr<Page> ScanReadable(const Partition& partition, std::string_view prefix,
                                                  std::string_view from, size_t page_size) const override {
    RETURN_IF_ERROR(refuses_);
    ASSIGN_OR_RETURN(Page page, inner_->Scan(partition, prefix, from, page_size));
    const auto bad = std::find_if(page.entries.begin(), page.entries.end(),
                                  [&](const KeyedEntry& row) { return !Readable(partition, row.key).ok(); });
    if (bad == page.entries.begin() && bad != page.entries.end()) {
      return absl::DataLossError("a stretch that does not read");
    }
    if (bad != page.entries.end() || !Readable(partition, page.next).ok()) {
      page.entries.erase(bad, page.entries.end());
      page.next = page.entries.back().key + '\0';
    }
    return page;
  }
  Task<absl::StatusOr<CommitResult>> Commit(CommitRequest request) override {
    for (const Precondition& precondition : request.preconditions) {
      CO_RETURN_IF_ERROR(Readable(request.partition, precondition.key));
    }
    std::vector<std::string> rows;
    for (const Mutation& mutation : request.batch) {
      rows.push_back(request.partition.Encode() + mutation.key);
    }
    auto done = co_await inner_->Commit(std::move(request));
    if (done.ok()) {
      written_.insert(rows.begin(), rows.end());
    }
    co_return done;
  }
  [[nodiscard]] absl::StatusOr<std::vector<Partition>> ListPartitions(PartitionKind kind, const Id128& from,
                                                                      size_t limit) const override {
    RETURN_IF_ERROR(refuses_);
    ASSIGN_OR_RETURN(std::vector<Partition> listed, inner_->ListPartitions(kind, from, limit));
    for (const Partition& partition : listed) {
      ASSIGN_OR_RETURN(const Page first, inner_->Scan(partition, "", "", 1));
      if (!first.entries.empty()) {
        RETURN_IF_ERROR(Readable(partition, first.entries.front().key));
      }
    }
    return listed;
  }

 private:
  [[nodiscard]] absl::Status Readable(const Partition& partition, std::string_view key) const {
    RETURN_IF_ERROR(refuses_);
    const std::string encoded = partition.Encode() + std::string(key);
    const bool damaged = !key.empty() && !written_.contains(encoded) &&
                         std::any_of(damage_.begin(), damage_.end(), [&](const auto& stretch) {
                           return stretch.first <= encoded && encoded <= stretch.second;
                         });
    return damaged ? absl::DataLossError("a stretch that does not read") : absl::OkStatus();
  }

  std::vector<std::pair<std::string, std::string>> damage_;
  std::set<std::string> written_;
  absl::Status refuses_;
};

}  // namespace relais::storage::testing
