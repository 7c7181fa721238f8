// A part of the vault that works on its own: a turn, a pause, a turn.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/executor.h"
#include "common/base/task.h"

namespace relais::vault {

/// Thread-safe. Turns never overlap. Life: Start → Stop → destroy; Stop at most once.
class Background {
 public:
  /// Does what is due and says how long to pause. What fails is the turn's own to report (PauseAfter) and to
  /// repeat.
  using Turn = std::function<Task<absl::Duration>()>;

  Background(Executor& executor, Turn turn)
      : executor_(executor), turn_(std::move(turn)), stopped_(executor) {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void Start();
  /// The next turn begins now; after the one under way, if one is.
  void Wake();
  /// A long turn asks now and then.
  [[nodiscard]] bool stopping() const { return stopping_; }
  /// How long a turn that ended so has to pause: `idle`, or less before it is tried again. Of failures one
  /// after another the first is logged, as `failing`.
  [[nodiscard]] absl::Duration PauseAfter(const absl::Status& done, absl::Duration idle, const char* failing);
  /// Resumes once no turn is under way.
  Task<bool> Stop();

 private:
  Task<void> Run();

  Executor& executor_;
  const Turn turn_;
  std::atomic<bool> stopping_ = false;
  bool failing_ = false;  // the turn's
  std::mutex mu_;
  bool started_ = false;
  bool woken_ = false;
  std::optional<OneShot<bool>> pause_;
  const OneShot<bool> stopped_;
};

}  // namespace relais::vault
