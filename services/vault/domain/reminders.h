// Papers that expire (D-3.7): she is reminded 60 and 15 days before. Pure; days are Paris days.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/civil_time.h"

namespace relais::vault {

/// Days before the last day of validity, the earlier reminder first.
inline constexpr std::array<uint32_t, 2> kReminderDays = {60, 15};

/// The reminder to send today: the latest that is due, if neither it nor a later one was sent. A paper
/// deposited 10 days before its end has one, not two; after the last day of validity there is none.
[[nodiscard]] std::optional<uint32_t> ReminderDue(absl::CivilDay expires, const std::vector<uint32_t>& sent,
                                                  absl::CivilDay today);

/// The first day from `today` on at which something will be due; nullopt: never again. For the list by day.
[[nodiscard]] std::optional<absl::CivilDay> NextReminder(absl::CivilDay expires,
                                                         const std::vector<uint32_t>& sent,
                                                         absl::CivilDay today);

}  // namespace relais::vault
