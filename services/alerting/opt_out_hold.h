// Her objection comes before what stands on there being none (D-1.4, D-1.6).
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace relais::alerting {

/// Bills go to the social services unless she objects, and her objection comes with her supplier's rows:
/// while these are refused for want of room, and until their senders had the time to repeat them, no bill
/// goes (ADR 65). Thread-safe.
class OptOutHold {
 public:
  /// From the first look that finds rows taken again.
  static constexpr absl::Duration kToRepeat = absl::Hours(1);

  /// `takes_rows`: OK, or why rows are refused now; null: they never are. `clock` outlives it.
  OptOutHold(const Clock& clock, std::function<absl::Status()> takes_rows)
      : clock_(clock), takes_rows_(std::move(takes_rows)) {}

  /// OK; or UNAVAILABLE: ask again. It knows of the refusals that it was asked during.
  absl::Status MaySend() {
    if (takes_rows_ == nullptr) {
      return absl::OkStatus();
    }
    absl::Status taken = takes_rows_();
    std::lock_guard lock(mu_);
    if (!taken.ok()) {
      refused_ = true;
      taken_since_.reset();
      return taken;
    }
    if (!refused_) {
      return absl::OkStatus();
    }
    const absl::Duration now = clock_.Monotonic();
    if (!taken_since_.has_value()) {
      taken_since_ = now;
    }
    if (now - *taken_since_ < kToRepeat) {
      return absl::UnavailableError("her objection may be among rows that were refused");
    }
    refused_ = false;
    taken_since_.reset();
    return absl::OkStatus();
  }

 private:
  const Clock& clock_;
  const std::function<absl::Status()> takes_rows_;
  std::mutex mu_;
  bool refused_ = false;
  std::optional<absl::Duration> taken_since_;
};

}  // namespace relais::alerting
