// Messages go out while their writer prepares the next ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/rpc/stream.h"

namespace relais::rpc {

/// One message is on its way and one waits for it, so flow control reaches the writer two messages later.
/// For one coroutine, which awaits Finish before it ends.
template <typename Response>
class WriteBehind {
 public:
  /// `may` is asked before each message leaves, on any thread; false ends the writing, as a client that is
  /// gone does. It is not asked any more once Finish has resumed.
  WriteBehind(Executor& executor, std::shared_ptr<Writer<Response>> out, std::function<bool()> may)
      : state_(std::make_shared<State>(executor, std::move(out), std::move(may))) {}
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;
  ~WriteBehind() = default;

  /// Resumes once there is room for it; false when one before did not go.
  Task<bool> Write(Response response) {
    co_await HasRoom();
    bool begin = false;
    {
      std::lock_guard lock(state_->mu);
      if (!state_->went) {
        co_return false;
      }
      state_->next.emplace(std::move(response));
      begin = !std::exchange(state_->writing, true);
    }
    if (begin) {
      Start(WriteAll(state_), [](bool /*went*/) {});
    }
    co_return true;
  }

  /// A message that has gone, to be filled again: what it holds is still there. An empty one while none has.
  [[nodiscard]] Response TakeWritten() {
    std::lock_guard lock(state_->mu);
    return std::exchange(state_->gone, Response());
  }

  /// Messages that are on their way; after Finish.
  [[nodiscard]] uint64_t written() const {
    std::lock_guard lock(state_->mu);
    return state_->written;
  }
  /// Resumes once nothing waits any more; false when a message did not go.
  Task<bool> Finish() {
    for (;;) {
      const OneShot<bool> changed(state_->executor);
      {
        std::lock_guard lock(state_->mu);
        if (!state_->writing) {
          co_return state_->went;
        }
        state_->waiting = changed;
      }
      co_await changed;
    }
  }

 private:
  struct State {
    State(Executor& executor, std::shared_ptr<Writer<Response>> out, std::function<bool()> may)
        : executor(executor), out(std::move(out)), may(std::move(may)) {}
    Executor& executor;
    const std::shared_ptr<Writer<Response>> out;
    const std::function<bool()> may;
    std::mutex mu;
    std::optional<Response> next;
    Response gone;
    bool writing = false;  // WriteAll runs
    bool went = true;
    uint64_t written = 0;
    std::optional<OneShot<bool>> waiting;
  };

  // Resumes once nothing waits, or a message did not go: true in both.
  Task<bool> HasRoom() {
    for (;;) {
      const OneShot<bool> changed(state_->executor);
      {
        std::lock_guard lock(state_->mu);
        if (!state_->went || !state_->next.has_value()) {
          co_return true;
        }
        state_->waiting = changed;
      }
      co_await changed;
    }
  }

  // Writes what waits until nothing does. False: a message did not go.
  static Task<bool> WriteAll(std::shared_ptr<State> state) {
    bool ok = true;
    bool wrote = false;
    for (;;) {
      std::optional<Response> message;
      std::optional<OneShot<bool>> waiting;
      Response gone = wrote && ok ? state->out->TakeWritten() : Response();
      {
        std::lock_guard lock(state->mu);
        state->went = ok;
        if (wrote && ok) {
          ++state->written;
          std::swap(state->gone, gone);
        }
        if (ok) {
          message = std::exchange(state->next, std::nullopt);
        }
        state->writing = message.has_value();
        waiting = std::exchange(state->waiting, std::nullopt);
      }
      if (waiting.has_value()) {
        waiting->Set(true);
      }
      if (!message.has_value()) {
        co_return ok;
      }
      wrote = true;
      ok = state->may();
      if (ok) {
        ok = co_await state->out->Write(*std::move(message));
      }
    }
  }

  const std::shared_ptr<State> state_;
};

}  // namespace relais::rpc
