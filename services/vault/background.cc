#include "services/vault/background.h"

#include "common/base/log.h"

namespace relais::vault {
namespace {
constexpr absl::Duration kRetry = absl::Seconds(10);
}  // namespace

void Background::Start() {
  {
    std::lock_guard lock(mu_);
    started_ = true;
  }
  Spawn(executor_, Run());
}

void Background::Wake() {
  std::optional<OneShot<bool>> pause;
  {
    std::lock_guard lock(mu_);
    woken_ = true;
    pause = pause_;
  }
  if (pause.has_value()) {
    pause->Set(true);
  }
}

absl::Duration Background::PauseAfter(const absl::Status& done, absl::Duration idle, const char* failing) {
  if (!done.ok() && !std::exchange(failing_, true) && !stopping_) {
    log::Warn(failing, {log::Field::Code(done)});
  }
  failing_ = !done.ok();
  return failing_ ? kRetry : idle;
}

Task<bool> Background::Stop() {
  stopping_ = true;
  Wake();
  bool started = false;
  {
    std::lock_guard lock(mu_);
    started = started_;
  }
  if (!started) {
    co_return true;
  }
  const bool stopped = co_await stopped_;
  co_return stopped;
}

Task<void> Background::Run() {
  while (!stopping_) {
    {
      std::lock_guard lock(mu_);
      woken_ = false;
    }
    const absl::Duration wait = co_await turn_();
    const OneShot<bool> pause(executor_);
    bool at_once = false;
    {
      std::lock_guard lock(mu_);
      at_once = woken_ || stopping_;
      if (!at_once) {
        pause_ = pause;
      }
    }
    if (!at_once) {
      executor_.PostAfter(wait, [pause] { pause.Set(false); });
      co_await pause;
      std::lock_guard lock(mu_);
      pause_.reset();
    }
    co_await ResumeOn(executor_);
  }
  // Whoever sees it may destroy this object.
  const OneShot<bool> stopped = stopped_;
  stopped.Set(true);
}

}  // namespace relais::vault
