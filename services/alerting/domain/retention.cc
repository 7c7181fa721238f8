#include "services/alerting/domain/retention.h"

#include "absl/time/civil_time.h"
#include "common/base/proto_time.h"

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

bool IsOver(v1::Alert::State state) {
  return state == v1::Alert::STATE_NOT_PERMITTED || state == v1::Alert::STATE_CLOSED ||
         state == v1::Alert::STATE_WITHDRAWN || state == v1::Alert::STATE_TAKEN;
}

bool AlertDue(const v1::AlertState& alert, absl::Time now, const RetentionRules& rules) {
  const absl::Time ended = FromProto(alert.has_changed() ? alert.changed() : alert.raised());
  return IsOver(alert.state()) && MonthsLater(ended, rules.alert_months) <= now;
}

absl::Time AlertsDueBefore(absl::Time now, const RetentionRules& rules) {
  return MonthsLater(now, -rules.alert_months);
}

}  // namespace relais::alerting
