// The leaves of a follower that are read and not yet applied. Private to common/audit. Pure.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/audit/follower.h"

namespace relais::audit::internal {

/// A run of consecutive leaves. Those with the same order key are handed out one at a time, in order. Not
/// thread-safe.
class FollowWindow {
 public:
  explicit FollowWindow(uint64_t first) : first_(first) {}

  /// Adds the next leaf. True when no leaf of its key was waiting: somebody must now begin to work on that
  /// key.
  bool Add(FollowedLeaf leaf, const merkle::Hash& hash, const std::string& key) {
    std::deque<uint64_t>& queue = queues_[key];
    queue.push_back(first_ + items_.size());
    items_.push_back({std::move(leaf), hash, false});
    return queue.size() == 1;
  }
  /// Adds the next leaf, which needs no work.
  void AddFinished(const merkle::Hash& hash) {
    if (items_.empty()) {  // the common case: no place is needed
      passed_.push_back(hash);
      ++first_;
    } else {
      items_.push_back({std::nullopt, hash, true});
    }
  }

  /// The leaf of `key` whose turn it is; there must be one.
  [[nodiscard]] const FollowedLeaf& Front(const std::string& key) const {
    return *items_[queues_.at(key).front() - first_].leaf;
  }
  /// That leaf is applied. True when another of its key waits.
  bool Finish(const std::string& key) {
    const auto queue = queues_.find(key);
    Item& item = items_[queue->second.front() - first_];
    item.finished = true;
    item.leaf.reset();
    queue->second.pop_front();
    if (!queue->second.empty()) {
      return true;
    }
    queues_.erase(queue);
    return false;
  }
  /// Removes the finished leaves at the beginning and gives their hashes.
  std::vector<merkle::Hash> TakeFinished() {
    std::vector<merkle::Hash> hashes = std::exchange(passed_, {});
    while (!items_.empty() && items_.front().finished) {
      hashes.push_back(items_.front().hash);
      items_.pop_front();
      ++first_;
    }
    return hashes;
  }
  [[nodiscard]] size_t size() const { return items_.size(); }
  /// Index after the last leaf added.
  [[nodiscard]] uint64_t end() const { return first_ + items_.size(); }

 private:
  struct Item {
    std::optional<FollowedLeaf> leaf;  // until it is finished
    merkle::Hash hash;
    bool finished = false;
  };
  uint64_t first_;                    // index of the first item
  std::vector<merkle::Hash> passed_;  // finished leaves right before it, not taken yet
  std::deque<Item> items_;
  std::map<std::string, std::deque<uint64_t>> queues_;
};

}  // namespace relais::audit::internal
