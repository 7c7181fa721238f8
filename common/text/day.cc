#include "common/text/day.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_format.h"

namespace relais::text {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Takes exactly `count` digits off the front of `text`.
std::optional<int> TakeDigits(std::string_view& text, size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool TakeChar(std::string_view& text, std::string_view accepted) {
  if (text.empty() || accepted.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<absl::CivilDay> ExistingDay(int year, int month, int day) {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  const absl::CivilDay civil(year, month, day);
  if (civil.month() != month) return std::nullopt;  // normalised into the next month: it did not exist
  return civil;
}

std::optional<absl::CivilDay> TakeIsoDay(std::string_view& text) {
  const auto year = TakeDigits(text, 4);
  if (!year || !TakeChar(text, "-")) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !TakeChar(text, "-")) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day) return std::nullopt;
  return ExistingDay(*year, *month, *day);
}

std::optional<absl::CivilDay> ParseFrenchDay(std::string_view text) {
  const auto day = TakeDigits(text, 2);
  if (!day || !TakeChar(text, "/")) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !TakeChar(text, "/")) return std::nullopt;
  const auto year = TakeDigits(text, 4);
  if (!year || !text.empty()) return std::nullopt;
  return ExistingDay(*year, *month, *day);
}

/// `.` and one digit or more, or nothing.
std::optional<int64_t> TakeNanoseconds(std::string_view& text) {
  if (!TakeChar(text, ".")) return 0;
  const auto* end = std::find_if_not(text.begin(), text.end(), IsDigit);
  const auto count = static_cast<size_t>(end - text.begin());
  if (count == 0) return std::nullopt;
  int64_t nanoseconds = 0;
  for (size_t i = 0; i < 9; ++i) nanoseconds = nanoseconds * 10 + (i < count ? text[i] - '0' : 0);
  text.remove_prefix(count);
  return nanoseconds;
}

std::optional<absl::Duration> TakeOffset(std::string_view& text) {
  if (TakeChar(text, "Zz")) return absl::ZeroDuration();
  const bool west = text.starts_with('-');
  if (!TakeChar(text, "+-")) return std::nullopt;
  const auto hours = TakeDigits(text, 2);
  if (!hours || !TakeChar(text, ":")) return std::nullopt;
  const auto minutes = TakeDigits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const absl::Duration offset = absl::Hours(*hours) + absl::Minutes(*minutes);
  return west ? -offset : offset;
}

}  // namespace

std::optional<absl::CivilDay> ParseIsoDay(std::string_view text) {
  const auto day = TakeIsoDay(text);
  return text.empty() ? day : std::nullopt;
}

std::optional<absl::CivilDay> ParseDay(std::string_view text) {
  return text.size() > 2 && text[2] == '/' ? ParseFrenchDay(text) : ParseIsoDay(text);
}

std::string FormatIsoDay(absl::CivilDay day) {
  return absl::StrFormat("%04d-%02d-%02d", day.year(), day.month(), day.day());
}

std::optional<absl::Time> ParseInstant(std::string_view text) {
  const auto day = TakeIsoDay(text);
  if (!day || !TakeChar(text, "Tt")) return std::nullopt;
  const auto hour = TakeDigits(text, 2);
  if (!hour || !TakeChar(text, ":")) return std::nullopt;
  const auto minute = TakeDigits(text, 2);
  if (!minute || !TakeChar(text, ":")) return std::nullopt;
  const auto second = TakeDigits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const auto nanoseconds = TakeNanoseconds(text);
  if (!nanoseconds) return std::nullopt;
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const absl::CivilSecond civil(day->year(), day->month(), day->day(), *hour, *minute, *second);
  return absl::FromCivil(civil, absl::UTCTimeZone()) + absl::Nanoseconds(*nanoseconds) - *offset;
}

}  // namespace relais::text
