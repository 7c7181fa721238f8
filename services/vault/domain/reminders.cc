#include "services/vault/domain/reminders.h"

#include <algorithm>

namespace relais::vault {
namespace {

// A later reminder says what an earlier one would have.
bool IsSent(uint32_t days, const std::vector<uint32_t>& sent) {
  return std::any_of(sent.begin(), sent.end(), [&](uint32_t before) { return before <= days; });
}

}  // namespace

std::optional<uint32_t> ReminderDue(absl::CivilDay expires, const std::vector<uint32_t>& sent,
                                    absl::CivilDay today) {
  if (today > expires) {
    return std::nullopt;
  }
  std::optional<uint32_t> due;
  for (const uint32_t days : kReminderDays) {
    if (today >= expires - days) {
      due = days;
    }
  }
  return due && !IsSent(*due, sent) ? due : std::nullopt;
}

std::optional<absl::CivilDay> NextReminder(absl::CivilDay expires, const std::vector<uint32_t>& sent,
                                           absl::CivilDay today) {
  if (ReminderDue(expires, sent, today)) {
    return today;
  }
  for (const uint32_t days : kReminderDays) {
    if (expires - days > today && !IsSent(days, sent)) {
      return expires - days;
    }
  }
  return std::nullopt;
}

}  // namespace relais::vault
