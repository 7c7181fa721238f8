// Coroutines: how the services wait for a commit, a peer or a timer without blocking a thread (ADR 1).
//
//   Task<absl::StatusOr<Reply>> Handle(Request request) {
//     CO_ASSIGN_OR_RETURN(auto seen, co_await store.Commit(std::move(commit)));
//     co_return MakeReply(seen);
//   }
//
// Rules, all of them for the sake of lifetime:
//  - a Task is lazy: nothing runs until it is awaited or spawned, and it is awaited exactly once;
//  - parameters of a coroutine are values, or references to what outlives the service (clock, store, peers);
//  - no lambda with captures is itself a coroutine: its captures die before it resumes. Write a function;
//  - bind the result of co_await to a variable or return it; no co_await inside a larger expression;
//  - no lambda and no aggregate written in what is awaited: name it first (GCC 12 destroys such temporaries
//    twice).
// scripts/check/awaits.py enforces the last three.
// A coroutine may resume on another thread than it was suspended on.
#pragma once

#include <atomic>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/executor.h"

namespace relais {

template <typename T>
class [[nodiscard]] Task;

namespace task_internal {

struct FinalAwaiter {
  bool await_ready() noexcept { return false; }
  template <typename Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
    std::coroutine_handle<> next = self.promise().continuation;
    return next ? next : std::noop_coroutine();
  }
  void await_resume() noexcept {}
};

struct PromiseBase {
  std::coroutine_handle<> continuation;
  std::suspend_always initial_suspend() noexcept { return {}; }
  FinalAwaiter final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object();
  template <typename U>
  void return_value(U&& v) {
    value.emplace(std::forward<U>(v));
  }
  T Take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() noexcept {}
  void Take() {}
};

}  // namespace task_internal

/// The result of a coroutine. Move-only; owns the coroutine's frame.
template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      Reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() { Reset(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle_.promise().continuation = waiter;
    return handle_;
  }
  T await_resume() { return handle_.promise().Take(); }

 private:
  void Reset() {
    if (handle_) {
      handle_.destroy();
      handle_ = {};
    }
  }
  Handle handle_;
};

namespace task_internal {
template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// A coroutine that owns itself: how a Task leaves the world of coroutines.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

template <typename T, typename Done>
Detached RunDetached(Task<T> task, Done done) {
  T result = co_await task;
  done(std::move(result));
}
template <typename Done>
Detached RunDetachedVoid(Task<void> task, Done done) {
  co_await task;
  done();
}
}  // namespace task_internal

/// Starts `task` on the calling thread and calls `done(T)` when it ends, on whatever thread that is.
template <typename T, typename Done>
void Start(Task<T> task, Done done) {
  task_internal::RunDetached(std::move(task), std::move(done));
}
template <typename Done>
void Start(Task<void> task, Done done) {
  task_internal::RunDetachedVoid(std::move(task), std::move(done));
}

/// Starts `task` on `executor`; nobody waits for it.
inline void Spawn(Executor& executor, Task<void> task) {
  auto held = std::make_shared<Task<void>>(std::move(task));
  executor.Post([held] { Start(std::move(*held), [] {}); });
}

/// A value that arrives once, from any thread. The waiting coroutine resumes on `executor`; `Set` never runs
/// it inline. Copies share the same value. Wait at most once.
template <typename T>
class OneShot {
 public:
  explicit OneShot(Executor& executor) : state_(std::make_shared<State>()) { state_->executor = &executor; }

  /// The first call wins; later ones are ignored.
  void Set(T value) const {
    std::coroutine_handle<> waiter;
    {
      std::lock_guard lock(state_->mu);
      if (state_->value.has_value()) {
        return;
      }
      state_->value.emplace(std::move(value));
      waiter = std::exchange(state_->waiter, {});
    }
    if (waiter) {
      state_->executor->Post([waiter, keep = state_] { waiter.resume(); });
    }
  }
  [[nodiscard]] bool IsSet() const {
    std::lock_guard lock(state_->mu);
    return state_->value.has_value();
  }

  auto operator co_await() const { return Awaiter{state_}; }

 private:
  struct State {
    std::mutex mu;
    std::optional<T> value;
    std::coroutine_handle<> waiter;
    Executor* executor = nullptr;
  };
  struct Awaiter {
    std::shared_ptr<State> state;
    bool await_ready() const { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) const {
      std::lock_guard lock(state->mu);
      if (state->value.has_value()) {
        return false;
      }
      state->waiter = waiter;
      return true;
    }
    T await_resume() const {
      std::lock_guard lock(state->mu);
      return std::move(*state->value);
    }
  };
  std::shared_ptr<State> state_;
};

/// Moves the calling coroutine onto `executor`: before work that may touch the disk or take long.
inline auto ResumeOn(Executor& executor) {
  struct Awaiter {
    Executor* executor;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const {
      executor->Post([waiter] { waiter.resume(); });
    }
    void await_resume() const noexcept {}
  };
  return Awaiter{&executor};
}

/// Waits `delay` of monotonic time. If the executor stops first, the coroutine never resumes.
inline auto Sleep(Executor& executor, absl::Duration delay) {
  struct Awaiter {
    Executor* executor;
    absl::Duration delay;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) const {
      executor->PostAfter(delay, [waiter] { waiter.resume(); });
    }
    void await_resume() const noexcept {}
  };
  return Awaiter{&executor, delay};
}

/// Runs all tasks concurrently, starting them in order on the calling thread; results in the same order.
template <typename T>
Task<std::vector<T>> WhenAll(Executor& executor, std::vector<Task<T>> tasks) {
  struct Shared {
    std::vector<std::optional<T>> results;
    std::atomic<size_t> left;
  };
  if (tasks.empty()) {
    co_return std::vector<T>();
  }
  auto shared = std::make_shared<Shared>();
  shared->results.resize(tasks.size());
  shared->left = tasks.size();
  OneShot<bool> all(executor);
  for (size_t i = 0; i < tasks.size(); ++i) {
    Start(std::move(tasks[i]), [shared, all, i](T value) {
      shared->results[i].emplace(std::move(value));
      if (shared->left.fetch_sub(1) == 1) {
        all.Set(true);
      }
    });
  }
  co_await all;
  std::vector<T> out;
  out.reserve(shared->results.size());
  for (auto& result : shared->results) {
    out.push_back(std::move(*result));
  }
  co_return out;
}

/// Blocks the calling thread until `task` ends. For tests, tools and main(); never on an executor's thread.
template <typename T>
T BlockOn(Task<T> task) {
  std::mutex mu;
  std::condition_variable cv;
  std::optional<T> result;
  Start(std::move(task), [&](T value) {
    std::lock_guard lock(mu);
    result.emplace(std::move(value));
    cv.notify_one();
  });
  std::unique_lock lock(mu);
  cv.wait(lock, [&] { return result.has_value(); });
  return std::move(*result);
}

}  // namespace relais
