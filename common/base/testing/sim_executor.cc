#include "common/base/testing/sim_executor.h"

#include <algorithm>

namespace relais::testing {

void SimExecutor::PostAfter(absl::Duration delay, std::function<void()> fn) {
  const absl::Duration due = now_ + std::max(delay, absl::ZeroDuration());
  queue_.emplace(std::make_pair(due, engine_()), std::move(fn));
}

bool SimExecutor::Step(absl::Duration until) {
  if (queue_.empty() || queue_.begin()->first.first > until) {
    return false;
  }
  auto node = queue_.extract(queue_.begin());
  now_ = std::max(now_, node.key().first);
  ++steps_;
  node.mapped()();
  return true;
}

void SimExecutor::RunFor(absl::Duration limit) {
  const absl::Duration until = now_ + limit;
  while (Step(until)) {
  }
  now_ = until;
}

bool SimExecutor::RunUntil(const std::function<bool()>& done, absl::Duration limit) {
  const absl::Duration until = now_ + limit;
  while (!done()) {
    if (!Step(until)) {
      return false;
    }
  }
  return true;
}

}  // namespace relais::testing
