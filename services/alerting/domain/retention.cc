#include "services/alerting/domain/retention.h"

#include "absl/time/civil_time.h"

namespace relais::alerting {
namespace {

absl::Time MonthsLater(absl::Time time, int months) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilSecond at = absl::ToCivilSecond(time, utc);
  // A 31st that the other month does not have becomes the first of the next one.
  const absl::CivilSecond then(at.year(), at.month() + months, at.day(), at.hour(), at.minute(), at.second());
  return absl::FromCivil(then, utc);
}

}  // namespace

bool SignalDue(absl::Time accepted, bool has_alert, absl::Time now, const RetentionRules& rules) {
  return !has_alert && MonthsLater(accepted, rules.signal_months) <= now;
}

absl::Time SignalsDueBefore(absl::Time now, const RetentionRules& rules) {
  return MonthsLater(now, -rules.signal_months);
}

}  // namespace relais::alerting
