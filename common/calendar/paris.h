// Instants and Paris days (D-6.2): every day the suite counts is a day in Europe/Paris.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace relais::calendar {

/// Immutable, cheap to copy, thread-safe. Reads the time zone database once, in Load.
class Paris {
 public:
  /// FAILED_PRECONDITION when the machine has no data for Europe/Paris: a service must not start in UTC.
  static absl::StatusOr<Paris> Load();

  /// The Paris day on which `instant` falls.
  [[nodiscard]] absl::CivilDay DayOf(absl::Time instant) const { return absl::ToCivilDay(instant, zone_); }
  /// Midnight at the start of `day`. `EndOf` is the first instant of the next day (exclusive): a Paris day
  /// lasts 23, 24 or 25 hours.
  [[nodiscard]] absl::Time StartOf(absl::CivilDay day) const { return absl::FromCivil(day, zone_); }
  [[nodiscard]] absl::Time EndOf(absl::CivilDay day) const { return StartOf(day + 1); }
  /// The instant at which Paris clocks show `minute` minutes after midnight on `day` (0–1440; 1440 = EndOf).
  /// A time that clocks show twice is the first one; one they skip is the instant of the change.
  [[nodiscard]] absl::Time At(absl::CivilDay day, int minute) const;

  [[nodiscard]] absl::TimeZone zone() const { return zone_; }

 private:
  explicit Paris(absl::TimeZone zone) : zone_(zone) {}

  absl::TimeZone zone_;
};

}  // namespace relais::calendar
