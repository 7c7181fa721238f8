#include "common/calendar/opening_hours.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/base/status.h"
#include "common/calendar/days.h"

namespace relais::calendar {
namespace {

constexpr int kMinutesPerDay = 24 * 60;
constexpr int kDaysSearched = 366;
constexpr int kDaysCounted = 3653;
constexpr std::array<absl::string_view, 7> kDayNames = {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};

bool Before(const WeeklyInterval& a, const WeeklyInterval& b) {
  return std::pair(a.weekday, a.open) < std::pair(b.weekday, b.open);
}

absl::Status Wrong(absl::string_view part) {
  return absl::InvalidArgumentError(absl::StrCat("opening hours: cannot read \"", part, "\""));
}

absl::StatusOr<int> ParseDayName(absl::string_view name) {
  const auto* const found = std::find(kDayNames.begin(), kDayNames.end(), name);
  if (found == kDayNames.end()) return Wrong(name);
  return static_cast<int>(found - kDayNames.begin());
}

absl::StatusOr<std::vector<absl::Weekday>> ParseDays(absl::string_view text) {
  std::vector<absl::Weekday> days;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(item, '-');
    if (ends.size() > 2) return Wrong(item);
    ASSIGN_OR_RETURN(const int first, ParseDayName(ends.front()));
    ASSIGN_OR_RETURN(const int last, ParseDayName(ends.back()));
    if (first > last) return Wrong(item);
    for (int day = first; day <= last; ++day) days.push_back(static_cast<absl::Weekday>(day));
  }
  return days;
}

bool IsTwoDigits(absl::string_view text) {
  return text.size() == 2 && absl::ascii_isdigit(text[0]) && absl::ascii_isdigit(text[1]);
}

absl::StatusOr<int> ParseTime(absl::string_view text) {
  int hours = 0;
  int minutes = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  if (parts.size() != 2 || !IsTwoDigits(parts[0]) || !IsTwoDigits(parts[1]) ||
      !absl::SimpleAtoi(parts[0], &hours) || !absl::SimpleAtoi(parts[1], &minutes) || minutes > 59) {
    return Wrong(text);
  }
  return hours * 60 + minutes;
}

absl::Status ParseRule(absl::string_view rule, std::vector<WeeklyInterval>& out) {
  const std::vector<absl::string_view> parts = absl::StrSplit(rule, ' ', absl::SkipEmpty());
  if (parts.size() != 2) return Wrong(rule);
  ASSIGN_OR_RETURN(const auto days, ParseDays(parts[0]));
  for (const absl::string_view span : absl::StrSplit(parts[1], ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(span, '-');
    if (ends.size() != 2) return Wrong(span);
    ASSIGN_OR_RETURN(const int open, ParseTime(ends[0]));
    ASSIGN_OR_RETURN(const int close, ParseTime(ends[1]));
    for (const absl::Weekday day : days) out.push_back({day, open, close});
  }
  return absl::OkStatus();
}

std::string FormatTimes(const WeeklyInterval& interval) {
  return absl::StrFormat("%02d:%02d-%02d:%02d", interval.open / 60, interval.open % 60, interval.close / 60,
                         interval.close % 60);
}

std::string FormatInterval(const WeeklyInterval& interval) {
  return absl::StrCat(kDayNames[static_cast<size_t>(interval.weekday)], " ", FormatTimes(interval));
}

// "09:00-12:30,13:30-17:00"; "" on a day that is closed.
std::string TimesOf(const std::vector<WeeklyInterval>& intervals, size_t day) {
  std::string out;
  for (const WeeklyInterval& interval : intervals) {
    if (static_cast<size_t>(interval.weekday) == day) {
      absl::StrAppend(&out, out.empty() ? "" : ",", FormatTimes(interval));
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<OpeningHours> OpeningHours::Create(std::vector<WeeklyInterval> intervals,
                                                  bool closed_on_holidays) {
  if (intervals.empty()) return absl::InvalidArgumentError("opening hours: never open");
  std::sort(intervals.begin(), intervals.end(), Before);
  for (size_t i = 0; i < intervals.size(); ++i) {
    const WeeklyInterval& now = intervals[i];
    if (now.open < 0 || now.open >= now.close || now.close > kMinutesPerDay) {
      return absl::InvalidArgumentError(absl::StrCat("opening hours: bad interval ", FormatInterval(now)));
    }
    if (i > 0 && intervals[i - 1].weekday == now.weekday && intervals[i - 1].close > now.open) {
      return absl::InvalidArgumentError(absl::StrCat("opening hours: overlap at ", FormatInterval(now)));
    }
  }
  return OpeningHours(std::move(intervals), closed_on_holidays);
}

absl::StatusOr<OpeningHours> OpeningHours::Parse(std::string_view input) {
  const auto text = absl::StripAsciiWhitespace(absl::string_view(input.data(), input.size()));
  if (text == "24/7") return Always();
  std::vector<WeeklyInterval> intervals;
  for (const absl::string_view rule : absl::StrSplit(text, ';')) RETURN_IF_ERROR(ParseRule(rule, intervals));
  return Create(std::move(intervals));
}

OpeningHours OpeningHours::Always() {
  std::vector<WeeklyInterval> week;
  week.reserve(7);
  for (int day = 0; day < 7; ++day) week.push_back({static_cast<absl::Weekday>(day), 0, kMinutesPerDay});
  return OpeningHours(std::move(week), /*closed_on_holidays=*/false);
}

OpeningHours OpeningHours::Crip() {
  std::vector<WeeklyInterval> week;
  week.reserve(7);
  for (int day = 0; day < 5; ++day) week.push_back({static_cast<absl::Weekday>(day), 9 * 60, 19 * 60});
  return OpeningHours(std::move(week), /*closed_on_holidays=*/true);
}

std::vector<OpeningHours::Span> OpeningHours::SpansOn(const Paris& paris, absl::CivilDay day) const {
  std::vector<Span> spans;
  if (closed_on_holidays_ && IsPublicHoliday(day)) return spans;
  const absl::Weekday weekday = absl::GetWeekday(day);
  for (const WeeklyInterval& interval : intervals_) {
    if (interval.weekday != weekday) continue;
    const Span span{paris.At(day, interval.open), paris.At(day, interval.close)};
    // An interval that lies wholly in the hour clocks skip does not exist that day.
    if (span.open < span.close) spans.push_back(span);
  }
  return spans;
}

bool OpeningHours::IsOpen(const Paris& paris, absl::Time instant) const {
  const std::vector<Span> spans = SpansOn(paris, paris.DayOf(instant));
  return std::any_of(spans.begin(), spans.end(),
                     [&](const Span& span) { return span.open <= instant && instant < span.close; });
}

absl::Time OpeningHours::NextOpening(const Paris& paris, absl::Time instant) const {
  if (instant == absl::InfiniteFuture()) return instant;
  absl::CivilDay day = paris.DayOf(instant);
  for (int i = 0; i < kDaysSearched; ++i, ++day) {
    for (const Span& span : SpansOn(paris, day)) {
      if (instant < span.close) return std::max(instant, span.open);
    }
  }
  return absl::InfiniteFuture();
}

absl::Time OpeningHours::AddOpenTime(const Paris& paris, absl::Time from, absl::Duration amount) const {
  if (amount <= absl::ZeroDuration() || from == absl::InfiniteFuture()) return from;
  absl::CivilDay day = paris.DayOf(from);
  for (int i = 0; i < kDaysCounted; ++i, ++day) {
    for (const Span& span : SpansOn(paris, day)) {
      const absl::Time start = std::max(from, span.open);
      if (start >= span.close) continue;
      if (span.close - start >= amount) return start + amount;
      amount -= span.close - start;
    }
  }
  return absl::InfiniteFuture();
}

std::optional<absl::Time> OpeningHours::LastClosing(const Paris& paris, absl::CivilDay day) const {
  const std::vector<Span> spans = SpansOn(paris, day);
  if (spans.empty()) return std::nullopt;
  return spans.back().close;
}

std::string OpeningHours::ToString() const {
  if (*this == Always()) return "24/7";
  // Days in a row with the same hours are one range.
  std::string out;
  for (size_t day = 0; day < kDayNames.size();) {
    const std::string times = TimesOf(intervals_, day);
    size_t last = day;
    while (last + 1 < kDayNames.size() && TimesOf(intervals_, last + 1) == times) ++last;
    if (!times.empty()) {
      absl::StrAppend(&out, out.empty() ? "" : "; ", kDayNames[day],
                      last == day ? "" : absl::StrCat("-", kDayNames[last]), " ", times);
    }
    day = last + 1;
  }
  return out;
}

}  // namespace relais::calendar
