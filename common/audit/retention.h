// The retention rule that every log has: who acted, part R, dies with its month's key (D-2.10). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace relais::audit {

/// "2026-11" → that month. INVALID_ARGUMENT for anything else.
[[nodiscard]] absl::StatusOr<absl::CivilMonth> ParseMonth(std::string_view month);

/// Of the months whose key is held, those to be destroyed at `now`: over since `keep_months` months or more,
/// in UTC (D-2.10: agents' names and refused rows' references are kept 12 months). Oldest first.
[[nodiscard]] std::vector<std::string> MonthsDue(const std::vector<std::string>& held, absl::Time now,
                                                 int keep_months);

}  // namespace relais::audit
