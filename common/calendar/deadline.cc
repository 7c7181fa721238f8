#include "common/calendar/deadline.h"

#include "common/calendar/days.h"

namespace relais::calendar {

absl::Time BusinessDaysDeadline(const Paris& paris, const OpeningHours& hours, absl::Time received, int n) {
  const absl::CivilDay due = AddJoursOuvres(paris.DayOf(received), n);
  return hours.LastClosing(paris, due).value_or(paris.EndOf(due));
}

absl::Time ReportDeadline(const Paris& paris, const OpeningHours& hours, const DeadlineRules& rules,
                          Urgency urgency, absl::Time received) {
  switch (urgency) {
    case Urgency::kSerious:
      return received + rules.serious;
    case Urgency::kConcern:
      return BusinessDaysDeadline(paris, hours, received, rules.concern_days);
    case Urgency::kOther:
      break;
  }
  return BusinessDaysDeadline(paris, hours, received, rules.other_days);
}

}  // namespace relais::calendar
