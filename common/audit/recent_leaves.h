// The leaves that became durable last, kept as they were drafted: followers and tails read right behind the
// writer, and need neither read from the store nor open what this process has just sealed. Private to
// common/audit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/audit/drafted.h"
#include "common/merkle/tree.h"

namespace relais::audit::internal {

struct RecentLeaf {
  std::string bytes;
  merkle::Hash hash{};                         // of the bytes, in the tree
  std::string subject;                         // encoded; empty: none
  std::shared_ptr<const DraftedLeaf> drafted;  // null: not known
};

/// A run of consecutive leaves, bounded; the oldest go first. Thread-safe.
class RecentLeaves {
 public:
  static constexpr size_t kMostLeaves = 4096;
  static constexpr size_t kMostBytes = size_t{4} << 20;  // of leaves, without their details
  using Leaf = std::shared_ptr<const RecentLeaf>;

  /// Leaves that are durable now, the first of which has index `first`.
  void Add(uint64_t first, std::vector<Leaf> leaves) {
    std::lock_guard lock(mu_);
    if (first != first_ + leaves_.size()) {
      leaves_.clear();
      bytes_ = 0;
      first_ = first;
    }
    for (Leaf& leaf : leaves) {
      bytes_ += leaf->bytes.size();
      leaves_.push_back(std::move(leaf));
    }
    while (leaves_.size() > kMostLeaves || bytes_ > kMostBytes) {
      bytes_ -= leaves_.front()->bytes.size();
      leaves_.pop_front();
      ++first_;
    }
  }

  /// At most `limit` leaves from `from` on; empty when that one is not among them.
  [[nodiscard]] std::vector<Leaf> Read(uint64_t from, size_t limit) const {
    std::lock_guard lock(mu_);
    if (from < first_ || from - first_ >= leaves_.size()) {
      return {};
    }
    const auto begin = leaves_.begin() + static_cast<ptrdiff_t>(from - first_);
    const size_t count = std::min(limit, leaves_.size() - static_cast<size_t>(from - first_));
    return {begin, begin + static_cast<ptrdiff_t>(count)};
  }

  /// Forgets what the leaves of these subjects say: their keys are being destroyed.
  void Forget(const absl::flat_hash_set<std::string>& subjects) {
    std::lock_guard lock(mu_);
    for (Leaf& leaf : leaves_) {
      if (leaf->drafted != nullptr && subjects.contains(leaf->subject)) {
        leaf = std::make_shared<RecentLeaf>(RecentLeaf{leaf->bytes, leaf->hash, leaf->subject, nullptr});
      }
    }
  }

 private:
  mutable std::mutex mu_;
  uint64_t first_ = 0;
  size_t bytes_ = 0;
  std::deque<Leaf> leaves_;
};

}  // namespace relais::audit::internal
