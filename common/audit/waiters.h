// Coroutines that wait for a number to be reached, or for any change, for a bounded time. Private to
// common/audit.
//
//   for (;;) {
//     Waiters::Ticket ticket(waiters, size);    // before the look, so that no change is missed
//     if (Reached(size)) { co_return …; }
//     co_await ticket.Wait(absl::Milliseconds(200));
//   }
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/time/time.h"
#include "common/base/executor.h"
#include "common/base/task.h"

namespace relais::audit::internal {

/// Thread-safe. Always owned by a shared_ptr: tickets keep it alive.
class Waiters {
 public:
  explicit Waiters(Executor& executor) : executor_(executor) {}

  /// Resumes those who wait for `reached` or less.
  void Wake(uint64_t reached) {
    Waiting woken;
    {
      std::lock_guard lock(mu_);
      while (!waiting_.empty() && waiting_.begin()->first.first <= reached) {
        woken.insert(waiting_.extract(waiting_.begin()));
      }
    }
    for (const auto& [place, waiter] : woken) {
      waiter.Set(true);
    }
  }
  void WakeAll() { Wake(UINT64_MAX); }

  /// A place in the queue, taken before looking at the condition. Wait at most once.
  class Ticket {
   public:
    explicit Ticket(std::shared_ptr<Waiters> owner, uint64_t wanted = 0)
        : owner_(std::move(owner)), event_(owner_->executor_), place_(owner_->Add(wanted, event_)) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { owner_->Remove(place_); }

    /// Resumes with true when woken, with false after `timeout`.
    [[nodiscard]] OneShot<bool> Wait(absl::Duration timeout) const {
      if (!event_.IsSet()) {
        owner_->executor_.PostAfter(timeout, [event = event_] { event.Set(false); });
      }
      return event_;
    }

   private:
    std::shared_ptr<Waiters> owner_;
    OneShot<bool> event_;
    std::pair<uint64_t, uint64_t> place_;
  };

 private:
  using Place = std::pair<uint64_t, uint64_t>;  // number waited for, order of arrival
  using Waiting = std::map<Place, OneShot<bool>>;

  Place Add(uint64_t wanted, const OneShot<bool>& event) {
    std::lock_guard lock(mu_);
    const Place place(wanted, ++last_id_);
    waiting_.emplace(place, event);
    return place;
  }
  void Remove(const Place& place) {
    std::lock_guard lock(mu_);
    waiting_.erase(place);
  }

  Executor& executor_;
  std::mutex mu_;
  uint64_t last_id_ = 0;
  Waiting waiting_;
};

}  // namespace relais::audit::internal
