// Why a store stopped: set once, seen by all its threads.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "absl/status/status.h"

namespace relais::storage {

/// Thread-safe. The first error wins and stays.
class FailureLatch {
 public:
  /// `on_set` is called once, outside the lock, on the thread of the first `Set`.
  explicit FailureLatch(std::function<void(const absl::Status&)> on_set) : on_set_(std::move(on_set)) {}

  void Set(const absl::Status& why) {
    {
      std::lock_guard lock(mu_);
      if (!why_.ok()) {
        return;
      }
      why_ = why;
      failed_.store(true, std::memory_order_release);
    }
    if (on_set_) {
      on_set_(why);
    }
  }
  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_acquire); }
  /// OK until something is set.
  [[nodiscard]] absl::Status why() const {
    if (!failed()) {
      return absl::OkStatus();
    }
    std::lock_guard lock(mu_);
    return why_;
  }

 private:
  const std::function<void(const absl::Status&)> on_set_;
  std::atomic<bool> failed_ = false;
  mutable std::mutex mu_;
  absl::Status why_;
};

}  // namespace relais::storage
