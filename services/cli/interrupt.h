// SIGINT and SIGTERM, turned into a call on an ordinary thread.
#pragma once

#include <functional>

namespace relais::cli {

/// While one lives, the signals call `cancel` (on another thread, once each) instead of ending the process
/// with kExitIncomplete. One at a time.
class Interrupt {
 public:
  /// First thing in main, before any thread: all threads then leave the signals to ours.
  static void Install();

  explicit Interrupt(std::function<void()> cancel);
  /// After it, `cancel` is not running and will not be called.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Whether a signal came since this one was made.
  [[nodiscard]] bool raised() const;
};

}  // namespace relais::cli
