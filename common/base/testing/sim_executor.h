// A deterministic executor: one queue, virtual time, order chosen by a seed. Not thread-safe: everything of a
// simulated world runs inside Run*. Doubles as that world's clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "common/base/clock.h"
#include "common/base/executor.h"

namespace relais::testing {

class SimExecutor final : public Executor, public Clock {
 public:
  SimExecutor(uint64_t seed, absl::Time start) : engine_(seed), start_(start) {}

  void Post(std::function<void()> fn) override { PostAfter(absl::ZeroDuration(), std::move(fn)); }
  void PostAfter(absl::Duration delay, std::function<void()> fn) override;
  [[nodiscard]] absl::Time Now() const override { return start_ + now_; }
  [[nodiscard]] absl::Duration Monotonic() const override { return now_; }

  /// Runs everything due, moving time forward, until nothing is left or `limit` of virtual time has passed.
  void RunFor(absl::Duration limit);
  /// Runs until `done()` holds; false if nothing is left to run or `limit` of virtual time passed before.
  bool RunUntil(const std::function<bool()>& done, absl::Duration limit);
  /// The machine sleeps: time passes and nothing runs. What fell due meanwhile runs late, in its order.
  void Skip(absl::Duration time) { now_ += time; }
  /// Uniform in [0, bound): the one source of choices of the world.
  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  [[nodiscard]] uint64_t steps() const { return steps_; }

 private:
  bool Step(absl::Duration until);

  std::mt19937_64 engine_;
  absl::Time start_;
  absl::Duration now_ = absl::ZeroDuration();
  uint64_t steps_ = 0;
  // Due time, then a random tie-break: functions due together run in an order the seed chooses.
  std::multimap<std::pair<absl::Duration, uint64_t>, std::function<void()>> queue_;
};

}  // namespace relais::testing
