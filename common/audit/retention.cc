#include "common/audit/retention.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "common/base/status.h"

namespace relais::audit {

absl::StatusOr<absl::CivilMonth> ParseMonth(std::string_view month) {
  int year = 0;
  int number = 0;
  const std::string text(month);
  if (text.size() != 7 || text[4] != '-' || !absl::SimpleAtoi(text.substr(0, 4), &year) ||
      !absl::SimpleAtoi(text.substr(5), &number) || number < 1 || number > 12) {
    return absl::InvalidArgumentError("a month is written as 2026-11");
  }
  return absl::CivilMonth(year, number);
}

std::vector<std::string> MonthsDue(const std::vector<std::string>& held, absl::Time now, int keep_months) {
  const absl::CivilMonth current = absl::ToCivilMonth(now, absl::UTCTimeZone());
  std::vector<std::string> due;
  for (const std::string& name : held) {
    const absl::StatusOr<absl::CivilMonth> month = ParseMonth(name);
    // The month itself, then `keep_months` whole ones.
    if (month.ok() && current - *month > keep_months) {
      due.push_back(name);
    }
  }
  std::sort(due.begin(), due.end());
  return due;
}

}  // namespace relais::audit
