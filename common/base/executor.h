// Where work runs, injected: a pool of threads in a service, one seeded queue in the simulator.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace relais {

/// Thread-safe. Functions must not throw and should not block for long.
class Executor {
 public:
  virtual ~Executor() = default;
  /// Runs `fn` soon.
  virtual void Post(std::function<void()> fn) = 0;
  /// Runs `fn` once `delay` of monotonic time has passed. Functions still waiting when the executor stops are
  /// dropped.
  virtual void PostAfter(absl::Duration delay, std::function<void()> fn) = 0;
};

/// A fixed pool with a timer thread. `Stop` (or the destructor) runs everything already posted, drops what
/// waits for a delay, joins all threads, and may be called once from outside the pool.
class ThreadPool final : public Executor {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void Post(std::function<void()> fn) override;
  void PostAfter(absl::Duration delay, std::function<void()> fn) override;
  void Stop();

 private:
  void Work();
  void Time();

  std::mutex mu_;
  std::condition_variable work_;
  std::condition_variable timer_;
  bool stopping_ = false;
  std::deque<std::function<void()>> queue_;
  std::multimap<absl::Duration, std::function<void()>> timers_;  // by monotonic due time
  std::vector<std::thread> threads_;
};

}  // namespace relais
