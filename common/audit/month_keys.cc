#include "common/audit/month_keys.h"

#include <algorithm>

#include "absl/time/civil_time.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {
constexpr size_t kKeySize = 32;
constexpr std::string_view kPrefix = "audit-month/";
std::string RingName(absl::Time time) { return MonthRingName(MonthName(time)); }
}  // namespace

std::string MonthRingName(std::string_view month) { return std::string(kPrefix) + std::string(month); }

std::vector<std::string> MonthsHeld(const crypto::KeyRing& ring) {
  std::vector<std::string> months;
  for (const crypto::KeyVersion& key : ring.List()) {
    if (std::string_view(key.name).starts_with(kPrefix)) {
      months.push_back(key.name.substr(kPrefix.size()));
    }
  }
  std::sort(months.begin(), months.end());
  return months;
}

absl::StatusOr<Secret> MonthKeys::ForWriting(absl::Time time) {
  std::lock_guard lock(mu_);
  if (from_ <= time && time < until_) {
    return current_;
  }
  const std::string name = RingName(time);
  if (absl::IsNotFound(ring_.Latest(name).status())) {
    ASSIGN_OR_RETURN(const uint32_t version, ring_.Add(name, Secret(random_.Bytes(kKeySize))));
    if (version != 1) {
      // What a second key of a month would open is not what was sealed under the first.
      RETURN_IF_ERROR(ring_.Destroy(name, version));
      return absl::FailedPreconditionError("the key of this month was destroyed");
    }
  }
  ASSIGN_OR_RETURN(const uint32_t version, ring_.Latest(name));
  ASSIGN_OR_RETURN(current_, ring_.Get(name, version));
  const absl::CivilMonth month = absl::ToCivilMonth(time, absl::UTCTimeZone());
  from_ = absl::FromCivil(month, absl::UTCTimeZone());
  until_ = absl::FromCivil(month + 1, absl::UTCTimeZone());
  return current_;
}

absl::StatusOr<Secret> MonthKeys::ForReading(absl::Time time) const {
  const std::string name = RingName(time);
  ASSIGN_OR_RETURN(const uint32_t version, ring_.Latest(name));
  return ring_.Get(name, version);
}

}  // namespace relais::audit::internal
