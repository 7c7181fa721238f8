#include "services/consent/domain/retention.h"

#include "absl/time/civil_time.h"

namespace relais::consent {

bool PersonDue(absl::Time last_contact, absl::Time now, const RetentionRules& rules) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilSecond at = absl::ToCivilSecond(last_contact, utc);
  // A 31st that the later month does not have becomes the first of the next one: never too early.
  const absl::CivilSecond end(at.year(), at.month() + rules.person_months, at.day(), at.hour(), at.minute(),
                              at.second());
  return absl::FromCivil(end, utc) <= now;
}

bool ObjectionDigestDue(absl::Time kept_until, absl::Time now) {
  return kept_until > absl::UnixEpoch() && kept_until <= now;
}

}  // namespace relais::consent
