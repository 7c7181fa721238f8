#include "common/calendar/days.h"

#include <algorithm>

namespace relais::calendar {
namespace {

constexpr int kAgeOfMajority = 18;

bool IsFixedHoliday(absl::CivilDay day) {
  const int month_day = day.month() * 100 + day.day();
  switch (month_day) {
    case 101:
    case 501:
    case 508:
    case 714:
    case 815:
    case 1101:
    case 1111:
    case 1225:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::CivilDay EasterSunday(absl::civil_year_t year) {
  // The anonymous Gregorian algorithm (Meeus, Jones, Butcher).
  const auto a = year % 19;
  const auto b = year / 100;
  const auto c = year % 100;
  const auto d = b / 4;
  const auto e = b % 4;
  const auto f = (b + 8) / 25;
  const auto g = (b - f + 1) / 3;
  const auto h = (19 * a + b - d - g + 15) % 30;
  const auto i = c / 4;
  const auto k = c % 4;
  const auto l = (32 + 2 * e + 2 * i - h - k) % 7;
  const auto m = (a + 11 * h + 22 * l) / 451;
  const auto n = h + l - 7 * m + 114;
  return absl::CivilDay(year, n / 31, n % 31 + 1);
}

std::vector<absl::CivilDay> PublicHolidays(absl::civil_year_t year) {
  const absl::CivilDay easter = EasterSunday(year);
  std::vector<absl::CivilDay> days = {
      absl::CivilDay(year, 1, 1),
      easter + 1,
      absl::CivilDay(year, 5, 1),
      absl::CivilDay(year, 5, 8),
      easter + 39,
      easter + 50,
      absl::CivilDay(year, 7, 14),
      absl::CivilDay(year, 8, 15),
      absl::CivilDay(year, 11, 1),
      absl::CivilDay(year, 11, 11),
      absl::CivilDay(year, 12, 25),
  };
  std::sort(days.begin(), days.end());
  days.erase(std::unique(days.begin(), days.end()), days.end());
  return days;
}

bool IsPublicHoliday(absl::CivilDay day) {
  if (IsFixedHoliday(day)) return true;
  const auto since_easter = day - EasterSunday(day.year());
  return since_easter == 1 || since_easter == 39 || since_easter == 50;
}

bool IsJourOuvre(absl::CivilDay day) {
  return absl::GetWeekday(day) != absl::Weekday::saturday && IsJourOuvrable(day);
}

bool IsJourOuvrable(absl::CivilDay day) {
  return absl::GetWeekday(day) != absl::Weekday::sunday && !IsPublicHoliday(day);
}

absl::CivilDay NextJourOuvre(absl::CivilDay day) {
  do {
    ++day;
  } while (!IsJourOuvre(day));
  return day;
}

absl::CivilDay AddJoursOuvres(absl::CivilDay day, int n) {
  for (; n > 0; --n) day = NextJourOuvre(day);
  return day;
}

absl::CivilDay AddMonths(absl::CivilDay day, int months) {
  const absl::CivilMonth month = absl::CivilMonth(day) + months;
  const int last = absl::CivilDay(absl::CivilDay(month + 1) - 1).day();
  return absl::CivilDay(month.year(), month.month(), std::min(day.day(), last));
}

bool InWinterTruce(absl::CivilDay day) { return day.month() >= 11 || day.month() <= 3; }

int AgeOn(absl::CivilDay birth, absl::CivilDay day) {
  const auto years = static_cast<int>(day.year() - birth.year());
  const bool reached =
      day.month() > birth.month() || (day.month() == birth.month() && day.day() >= birth.day());
  return reached ? years : years - 1;
}

bool IsMinorOn(absl::CivilDay birth, absl::CivilDay day) { return AgeOn(birth, day) < kAgeOfMajority; }

}  // namespace relais::calendar
