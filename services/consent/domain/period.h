// From when until when an agreement holds. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace relais::consent {

struct PeriodAsked {
  std::optional<absl::Time> from;
  std::optional<absl::Time> until;
  /// Spoken to an intervening crew: at most 3 months (D-4.4a).
  bool on_site = false;
};

/// Whole microseconds. When refused, `field` names what is wrong and `problem` says it.
struct Period {
  absl::Time from;
  absl::Time until;  // excluded
  std::string_view field;
  std::string_view problem;
  [[nodiscard]] bool ok() const { return problem.empty(); }
};

/// Starts at `now` unless said: not more than a minute ahead, not more than 30 days back; on site, not so far
/// back that it is over. Ends after 12 months unless said, 3 on site; at most 5 years, 3 months on site; in
/// the future. Months and years are those of `zone`.
[[nodiscard]] Period JudgePeriod(const PeriodAsked& asked, absl::Time now, absl::TimeZone zone);

/// The same hour that many months later; the last day of a shorter month. Used for objections' 3 years too.
[[nodiscard]] absl::Time AddMonths(absl::Time time, int months, absl::TimeZone zone);

}  // namespace relais::consent
