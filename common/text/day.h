// Days and instants as feeds write them, read strictly. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace relais::text {

/// `2026-11-03`: four, two and two digits, a day that exists, years 0001–9999.
[[nodiscard]] std::optional<absl::CivilDay> ParseIsoDay(std::string_view text);
/// `2026-11-03` or `03/11/2026`.
[[nodiscard]] std::optional<absl::CivilDay> ParseDay(std::string_view text);
[[nodiscard]] std::string FormatIsoDay(absl::CivilDay day);

/// RFC 3339 with its offset (`Z` or `±hh:mm`), which is mandatory. Digits of a second beyond the ninth are
/// dropped. Second 60 is refused: no leap second is announced for any instant a feed may carry.
[[nodiscard]] std::optional<absl::Time> ParseInstant(std::string_view text);

}  // namespace relais::text
