// When a desk is open: weekly intervals in Paris time, closed on public holidays.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/calendar/paris.h"

namespace relais::calendar {

/// Open on `weekday` from `open` (included) to `close` (excluded), in minutes after midnight by Paris clocks.
/// 0 <= open < close <= 1440; hours past midnight are two intervals.
struct WeeklyInterval {
  absl::Weekday weekday;
  int open;
  int close;

  friend bool operator==(const WeeklyInterval&, const WeeklyInterval&) = default;
};

/// Immutable, thread-safe, pure. Intervals follow Paris clocks through the changes of hour: one that spans
/// the change is an hour shorter or longer.
class OpeningHours {
 public:
  /// INVALID_ARGUMENT when there is no interval, a bound is out of range, or two intervals overlap (adjacent
  /// ones may touch).
  static absl::StatusOr<OpeningHours> Create(std::vector<WeeklyInterval> intervals,
                                             bool closed_on_holidays = true);

  /// "Mo-Fr 09:00-12:30,13:30-17:00; Sa 09:00-12:00", closed on holidays, or "24/7", open on them too.
  /// Weekdays are Mo Tu We Th Fr Sa Su, one, a range, or several with commas ("Mo,We 09:00-12:00"). "24:00"
  /// is the end of the day. INVALID_ARGUMENT naming the part that is wrong.
  static absl::StatusOr<OpeningHours> Parse(std::string_view input);

  /// An on-call desk: always open.
  static OpeningHours Always();
  /// The CRIP: weekdays 9–19 h (D-4.5).
  static OpeningHours Crip();

  [[nodiscard]] bool IsOpen(const Paris& paris, absl::Time instant) const;

  /// The first instant at or after `instant` at which the desk is open: `instant` itself if it is.
  /// absl::InfiniteFuture() if it does not open within a year.
  [[nodiscard]] absl::Time NextOpening(const Paris& paris, absl::Time instant) const;

  /// The instant by which the desk has been open for `amount` since `from`; with 0, `from` itself.
  /// absl::InfiniteFuture() beyond ten years.
  [[nodiscard]] absl::Time AddOpenTime(const Paris& paris, absl::Time from, absl::Duration amount) const;

  /// When the desk last closes on `day`; nullopt when it does not open that day.
  [[nodiscard]] std::optional<absl::Time> LastClosing(const Paris& paris, absl::CivilDay day) const;

  /// In the syntax of Parse; Parse(ToString()) gives the same hours where holidays are closed or always open.
  [[nodiscard]] std::string ToString() const;

  friend bool operator==(const OpeningHours&, const OpeningHours&) = default;

 private:
  struct Span {
    absl::Time open;
    absl::Time close;
  };

  OpeningHours(std::vector<WeeklyInterval> intervals, bool closed_on_holidays)
      : intervals_(std::move(intervals)), closed_on_holidays_(closed_on_holidays) {}

  [[nodiscard]] std::vector<Span> SpansOn(const Paris& paris, absl::CivilDay day) const;

  std::vector<WeeklyInterval> intervals_;  // sorted by weekday, then opening
  bool closed_on_holidays_;
};

}  // namespace relais::calendar
