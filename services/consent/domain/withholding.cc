#include "services/consent/domain/withholding.h"

#include <algorithm>

#include "common/calendar/days.h"
#include "services/consent/domain/stated_ground.h"

namespace relais::consent {
namespace {

constexpr std::string_view kDistressReport = "DISTRESS_REPORT";
constexpr int kReviewMonths = 6;

}  // namespace

bool IsWithheld(const audit::v1::LeafHeader& header, const v1::CheckDecided& check, const Rules& rules) {
  const bool protected_ground =
      IsLegalDuty(header.ground()) ||
      std::any_of(check.bases().begin(), check.bases().end(),
                  [](const v1::CategoryBasis& basis) { return IsLegalDuty(basis.ground()); });
  const bool about_a_child = header.purpose() == kChildProtection ||
                             rules.KindOf(check.recipient().institution()) == kChildProtection;
  const bool would_be_protected =
      header.decision() != common::v1::DECISION_PERMIT &&
      (IsLegalDuty(check.stated_ground()) || check.signal_type() == kDistressReport);
  return protected_ground || about_a_child || would_be_protected;
}

bool IsWithheld(const v1::EmergencyDeclared& emergency, const Rules& rules) {
  return rules.KindOf(emergency.recipient().institution()) == kChildProtection;
}

bool IsWithheld(const Emergency& emergency, const Rules& rules) {
  return rules.KindOf(emergency.recipient) == kChildProtection;
}

absl::CivilDay ReviewOn(absl::CivilDay decided_on) { return calendar::AddMonths(decided_on, kReviewMonths); }

}  // namespace relais::consent
