#include "tests/bench/closed_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace relais::bench {
namespace {

using Instant = std::chrono::steady_clock::time_point;

Instant Now() { return std::chrono::steady_clock::now(); }

class Runner {
 public:
  Runner(const Loop& loop, const StartCall& start) : loop_(loop), start_(start), slots_(loop.in_flight) {}

  Figure Run(const std::string& name) {
    const bool counted = loop_.calls > 0;
    begin_ = Now();
    from_ = counted ? begin_ : begin_ + absl::ToChronoNanoseconds(loop_.warm_up);
    until_ = counted ? Instant::max() : from_ + absl::ToChronoNanoseconds(loop_.measured);
    active_ = loop_.in_flight;
    for (int slot = 0; slot < loop_.in_flight; ++slot) {
      StartNext(slot);
    }
    std::unique_lock lock(mu_);
    ended_.wait(lock, [this] { return active_ == 0; });
    Figure figure = Sum();
    figure.name = name;
    const Instant end = counted ? Now() : until_;
    figure.seconds = std::chrono::duration<double>(end - from_).count();
    return figure;
  }

 private:
  // Each is touched by one call at a time, so needs no lock.
  struct Slot {
    Instant started;
    std::vector<uint32_t> micros;
    uint64_t errors = 0;
    absl::Status first_error;
  };

  void StartNext(int slot) {
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    const Instant now = Now();
    if (loop_.calls > 0 ? number >= loop_.calls : now >= until_) {
      std::lock_guard lock(mu_);
      if (--active_ == 0) {
        ended_.notify_one();
      }
      return;
    }
    slots_[slot].started = now;
    start_(slot, number, [this, slot](const absl::Status& status) { End(slot, status); });
  }

  void End(int index, const absl::Status& status) {
    Slot& slot = slots_[index];
    const Instant now = Now();
    if (!status.ok()) {
      if (slot.errors++ == 0) {
        slot.first_error = status;
      }
    } else if (now >= from_ && now < until_) {
      slot.micros.push_back(static_cast<uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(now - slot.started).count()));
    }
    StartNext(index);
  }

  Figure Sum() const {
    Figure figure;
    std::vector<uint32_t> all;
    for (const Slot& slot : slots_) {
      all.insert(all.end(), slot.micros.begin(), slot.micros.end());
      figure.errors += slot.errors;
      if (figure.first_error.ok()) {
        figure.first_error = slot.first_error;
      }
    }
    figure.calls = all.size();
    if (!all.empty()) {
      std::sort(all.begin(), all.end());
      figure.p50 = absl::Microseconds(all[all.size() / 2]);
      figure.p99 = absl::Microseconds(all[all.size() * 99 / 100]);
      figure.longest = absl::Microseconds(all.back());
    }
    return figure;
  }

  const Loop loop_;
  const StartCall& start_;
  std::vector<Slot> slots_;
  Instant begin_;
  Instant from_;
  Instant until_;
  std::atomic<uint64_t> next_ = 0;
  std::mutex mu_;
  std::condition_variable ended_;
  int active_ = 0;
};

}  // namespace

Figure RunClosedLoop(const std::string& name, const Loop& loop, const StartCall& start) {
  return Runner(loop, start).Run(name);
}

}  // namespace relais::bench
