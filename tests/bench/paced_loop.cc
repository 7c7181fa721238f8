#include "tests/bench/paced_loop.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace relais::bench {
namespace {

using Instant = std::chrono::steady_clock::time_point;

class Runner {
 public:
  Runner(const Pace& pace, const StartCall& start) : pace_(pace), start_(start), slots_(pace.most_in_flight) {
    for (int slot = pace.most_in_flight - 1; slot >= 0; --slot) {
      free_.push_back(slot);
    }
  }

  Figure Run(const std::string& name) {
    const auto begin = std::chrono::steady_clock::now();
    from_ = begin + absl::ToChronoNanoseconds(pace_.warm_up);
    until_ = from_ + absl::ToChronoNanoseconds(pace_.measured);
    const std::chrono::duration<double> apart(1 / pace_.per_second);
    for (uint64_t number = 0;; ++number) {
      const Instant due =
          begin + std::chrono::duration_cast<std::chrono::nanoseconds>(apart * static_cast<double>(number));
      if (due >= until_) {
        break;
      }
      if (due > std::chrono::steady_clock::now()) {
        std::this_thread::sleep_until(due);
      }
      const int slot = TakeSlot();
      slots_[slot].due = due;
      start_(slot, number, [this, slot](const absl::Status& status) { End(slot, status); });
    }
    std::unique_lock lock(mu_);
    freed_.wait(lock, [this] { return free_.size() == slots_.size(); });
    return Sum(name);
  }

 private:
  // Each is touched by one call at a time.
  struct Slot {
    Instant due;
    std::vector<uint32_t> micros;
    uint64_t errors = 0;
    absl::Status first_error;
  };

  int TakeSlot() {
    std::unique_lock lock(mu_);
    freed_.wait(lock, [this] { return !free_.empty(); });
    const int slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void End(int index, const absl::Status& status) {
    Slot& slot = slots_[index];
    if (!status.ok()) {
      if (slot.errors++ == 0) {
        slot.first_error = status;
      }
    } else if (slot.due >= from_) {
      const auto took = std::chrono::steady_clock::now() - slot.due;
      slot.micros.push_back(
          static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    }
    std::lock_guard lock(mu_);
    free_.push_back(index);
    freed_.notify_one();
  }

  Figure Sum(const std::string& name) const {
    Figure figure;
    figure.name = name;
    figure.seconds = absl::ToDoubleSeconds(pace_.measured);
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

  const Pace pace_;
  const StartCall& start_;
  std::vector<Slot> slots_;
  Instant from_;
  Instant until_;
  std::mutex mu_;
  std::condition_variable freed_;
  std::vector<int> free_;
};

}  // namespace

Figure RunPacedLoop(const std::string& name, const Pace& pace, const StartCall& start) {
  return Runner(pace, start).Run(name);
}

}  // namespace relais::bench
