// French days: public holidays, jours ouvrés and ouvrables, the winter truce, ages. Pure functions of civil
// days; which day an instant falls on is Paris's business (paris.h).
#pragma once

#include <vector>

#include "absl/time/civil_time.h"

namespace relais::calendar {

/// Easter Sunday of a Gregorian year (1583 and later).
[[nodiscard]] absl::CivilDay EasterSunday(absl::civil_year_t year);

/// The eleven public holidays of metropolitan France in `year`, in order, each day once even where two fall
/// together (D-6.1).
[[nodiscard]] std::vector<absl::CivilDay> PublicHolidays(absl::civil_year_t year);
[[nodiscard]] bool IsPublicHoliday(absl::CivilDay day);

/// Jour ouvré: Monday to Friday, not a holiday. Jour ouvrable: Monday to Saturday, not a holiday (D-6.2).
[[nodiscard]] bool IsJourOuvre(absl::CivilDay day);
[[nodiscard]] bool IsJourOuvrable(absl::CivilDay day);

/// The first jour ouvré strictly after `day` (D-1.5 "the first following working day").
[[nodiscard]] absl::CivilDay NextJourOuvre(absl::CivilDay day);

/// The n-th jour ouvré after `day`, which is not counted (D-1.11). n <= 0 gives `day` itself.
[[nodiscard]] absl::CivilDay AddJoursOuvres(absl::CivilDay day, int n);

/// The same day of a later month, or the last day of a shorter one: 31 January + 1 is 28 or 29 February.
/// `months` >= 0.
[[nodiscard]] absl::CivilDay AddMonths(absl::CivilDay day, int months);

/// 1 November to 31 March, both included (D-1.8).
[[nodiscard]] bool InWinterTruce(absl::CivilDay day);

/// Completed years on `day`; negative before birth. Someone born on 29 February completes a year on 1 March
/// where there is no 29 February: she stays a minor on the 28th, the reading that protects her.
[[nodiscard]] int AgeOn(absl::CivilDay birth, absl::CivilDay day);
/// Under 18 on `day` (D-4.4a). A birth date after `day` is a minor too.
[[nodiscard]] bool IsMinorOn(absl::CivilDay birth, absl::CivilDay day);

}  // namespace relais::calendar
