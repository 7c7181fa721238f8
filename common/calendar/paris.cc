#include "common/calendar/paris.h"

namespace relais::calendar {

absl::StatusOr<Paris> Paris::Load() {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone("Europe/Paris", &zone)) {
    return absl::FailedPreconditionError("no time zone data for Europe/Paris on this machine (tzdata)");
  }
  return Paris(zone);
}

absl::Time Paris::At(absl::CivilDay day, int minute) const {
  return absl::FromCivil(absl::CivilMinute(day) + minute, zone_);
}

}  // namespace relais::calendar
