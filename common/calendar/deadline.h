// By when a distress report must have been taken (D-4.5).
#pragma once

#include "absl/time/time.h"
#include "common/calendar/opening_hours.h"
#include "common/calendar/paris.h"

namespace relais::calendar {

enum class Urgency { kSerious, kConcern, kOther };

/// Configuration, with the defaults of D-4.5. Days are jours ouvrés.
struct DeadlineRules {
  absl::Duration serious = absl::Hours(24);
  int concern_days = 3;
  int other_days = 10;
};

/// The end of the n-th jour ouvré after the Paris day of `received`, which is not counted: when `hours` last
/// closes that day, or midnight if it does not open on it. n >= 1.
[[nodiscard]] absl::Time BusinessDaysDeadline(const Paris& paris, const OpeningHours& hours,
                                              absl::Time received, int n);

/// Serious: elapsed hours, day and night, because an on-call desk answers. Otherwise business days of the
/// desk whose `hours` are given.
[[nodiscard]] absl::Time ReportDeadline(const Paris& paris, const OpeningHours& hours,
                                        const DeadlineRules& rules, Urgency urgency, absl::Time received);

}  // namespace relais::calendar
