#include "common/base/executor.h"

#include <algorithm>
#include <chrono>

#include "common/base/clock.h"

namespace relais {

ThreadPool::ThreadPool(int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
  threads_.emplace_back([this] { Time(); });
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Post(std::function<void()> fn) {
  {
    std::lock_guard lock(mu_);
    if (stopping_ && threads_.empty()) {
      return;
    }
    queue_.push_back(std::move(fn));
  }
  work_.notify_one();
}

void ThreadPool::PostAfter(absl::Duration delay, std::function<void()> fn) {
  const absl::Duration now = SystemClock().Monotonic();
  {
    std::lock_guard lock(mu_);
    if (stopping_) {
      return;
    }
    const auto at = timers_.emplace(now + delay, std::move(fn));
    // For any other the timer thread wakes in time and looks again; unless it waits too long, because the
    // civil clock was set back meanwhile: then the first timer is overdue.
    if (at != timers_.begin() && timers_.begin()->first > now) {
      return;
    }
  }
  timer_.notify_one();
}

void ThreadPool::Stop() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
    threads = std::exchange(threads_, {});
  }
  work_.notify_all();
  timer_.notify_all();
  for (std::thread& t : threads) {
    t.join();
  }
  std::lock_guard lock(mu_);
  timers_.clear();
}

void ThreadPool::Work() {
  std::unique_lock lock(mu_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) {
      return;
    }
    auto fn = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    fn();
    fn = nullptr;
    lock.lock();
  }
}

void ThreadPool::Time() {
  SystemClock clock;
  std::unique_lock lock(mu_);
  while (!stopping_) {
    const absl::Duration now = clock.Monotonic();
    while (!timers_.empty() && timers_.begin()->first <= now) {
      queue_.push_back(std::move(timers_.begin()->second));
      timers_.erase(timers_.begin());
      work_.notify_one();
    }
    const absl::Duration wait = timers_.empty() ? absl::Seconds(3600) : timers_.begin()->first - now;
    // A system clock wait: the sanitizers of GCC 12 know it, and a jump only costs one early wake.
    timer_.wait_until(lock, std::chrono::system_clock::now() +
                                absl::ToChronoMicroseconds(std::min(wait, absl::Seconds(3600))));
  }
}

}  // namespace relais
