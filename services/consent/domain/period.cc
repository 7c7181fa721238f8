#include "services/consent/domain/period.h"

#include <algorithm>

#include "absl/time/civil_time.h"

namespace relais::consent {
namespace {

constexpr absl::Duration kMostAhead = absl::Minutes(1);
constexpr absl::Duration kMostBack = absl::Hours(24 * 30);
constexpr int kDefaultMonths = 12;
constexpr int kMostMonths = 60;
constexpr int kOnSiteMonths = 3;

absl::Time WholeMicros(absl::Time time) { return absl::FromUnixMicros(absl::ToUnixMicros(time)); }

Period Refuse(std::string_view field, std::string_view problem) {
  Period period;
  period.field = field;
  period.problem = problem;
  return period;
}

}  // namespace

absl::Time AddMonths(absl::Time time, int months, absl::TimeZone zone) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, zone);
  const absl::CivilMonth month = absl::CivilMonth(civil) + months;
  const int last_day = absl::CivilDay(absl::CivilDay(month + 1) - 1).day();
  const absl::CivilSecond then(month.year(), month.month(), std::min(civil.day(), last_day), civil.hour(),
                               civil.minute(), civil.second());
  return absl::FromCivil(then, zone) + (time - absl::FromCivil(civil, zone)) % absl::Seconds(1);
}

Period JudgePeriod(const PeriodAsked& asked, absl::Time now, absl::TimeZone zone) {
  Period period;
  period.from = WholeMicros(asked.from.value_or(now));
  if (period.from > now + kMostAhead) {
    return Refuse("valid_from", "must not be more than a minute ahead");
  }
  // What was spoken on site ends by itself, counted from when it was spoken: a report that comes late is no
  // reason to make it younger (D-4.4a).
  if (!asked.on_site && period.from < now - kMostBack) {
    return Refuse("valid_from", "must not be more than 30 days back");
  }
  const absl::Time most = AddMonths(period.from, asked.on_site ? kOnSiteMonths : kMostMonths, zone);
  const absl::Time usual = AddMonths(period.from, asked.on_site ? kOnSiteMonths : kDefaultMonths, zone);
  period.until = WholeMicros(asked.until.value_or(usual));
  if (period.until <= period.from || period.until <= now) {
    return Refuse("valid_until", "must be after valid_from and in the future");
  }
  if (period.until > most) {
    return Refuse("valid_until", asked.on_site ? "must be at most 3 months after valid_from (D-4.4a)"
                                               : "must be at most 5 years after valid_from");
  }
  return period;
}

}  // namespace relais::consent
