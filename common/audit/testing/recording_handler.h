// A leaf handler that notes what it was given, and fails where it is told to.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/audit/follower.h"

namespace relais::audit::testing {

/// Thread-safe but for its settings, made before the follower starts. A leaf's key is the part of its bytes
/// before ':'.
class RecordingHandler final : public LeafHandler {
 public:
  explicit RecordingHandler(Executor& executor) : executor_(executor) {}

  [[nodiscard]] std::string OrderKey(const FollowedLeaf& leaf) const override {
    return leaf.bytes.substr(0, leaf.bytes.find(':'));
  }
  [[nodiscard]] bool WantsUnopened() const override { return wants_unopened; }
  Task<absl::Status> Apply(FollowedLeaf leaf, bool effects) override {
    {
      std::lock_guard lock(mu_);
      max_running_ = std::max(max_running_, ++running_);
    }
    if (delay > absl::ZeroDuration()) {
      co_await Sleep(executor_, delay);
    }
    std::lock_guard lock(mu_);
    --running_;
    ++attempts_[leaf.index];
    if (stuck_.contains(leaf.index)) {
      co_return absl::UnavailableError("not now");
    }
    applied_.push_back(leaf.index);
    by_key_[OrderKey(leaf)].push_back(leaf.index);
    if (effects) {
      effects_.push_back(leaf.index);
    }
    co_return absl::OkStatus();
  }

  void Stick(uint64_t index, bool stuck = true) {
    std::lock_guard lock(mu_);
    if (stuck) {
      stuck_.insert(index);
    } else {
      stuck_.erase(index);
    }
  }
  [[nodiscard]] std::vector<uint64_t> applied() const {
    std::lock_guard lock(mu_);
    return applied_;
  }
  [[nodiscard]] std::vector<uint64_t> effects() const {
    std::lock_guard lock(mu_);
    return effects_;
  }
  [[nodiscard]] std::map<std::string, std::vector<uint64_t>> by_key() const {
    std::lock_guard lock(mu_);
    return by_key_;
  }
  [[nodiscard]] int attempts(uint64_t index) const {
    std::lock_guard lock(mu_);
    const auto it = attempts_.find(index);
    return it == attempts_.end() ? 0 : it->second;
  }
  [[nodiscard]] size_t max_running() const {
    std::lock_guard lock(mu_);
    return max_running_;
  }

  absl::Duration delay = absl::ZeroDuration();
  bool wants_unopened = false;

 private:
  Executor& executor_;
  mutable std::mutex mu_;
  std::set<uint64_t> stuck_;
  std::vector<uint64_t> applied_;
  std::vector<uint64_t> effects_;
  std::map<std::string, std::vector<uint64_t>> by_key_;
  std::map<uint64_t, int> attempts_;
  size_t running_ = 0;
  size_t max_running_ = 0;
};

}  // namespace relais::audit::testing
