#include "services/consent/domain/consent_state.h"

#include <algorithm>

#include "services/consent/domain/expiry.h"
#include "services/consent/domain/her_acts.h"

namespace relais::consent {
namespace {

bool IsPartlyTakenBack(const PersonState& state, const Agreement& agreement, const Rules& rules) {
  return std::any_of(state.denials().begin(), state.denials().end(), [&](const Denial& denial) {
    const bool concerns =
        denial.at >= agreement.at && (!denial.agreement || denial.agreement == agreement.id);
    return concerns && std::any_of(denial.lines.begin(), denial.lines.end(), [&](const Line& no) {
             return std::any_of(agreement.lines.begin(), agreement.lines.end(),
                                [&](const Line& line) { return Overlap(line, no, rules); });
           });
  });
}

}  // namespace

v1::ConsentState StateOf(const PersonState& state, const Agreement& agreement, const Rules& rules,
                         absl::Time now) {
  if (agreement.EndedBy(now)) {
    return agreement.ended->invalidated ? v1::CONSENT_STATE_INVALIDATED : v1::CONSENT_STATE_TERMINATED;
  }
  if (IsTakenBack(state, agreement, rules)) {
    return v1::CONSENT_STATE_WITHDRAWN;
  }
  if (now >= agreement.TermAt(now).until) {
    return v1::CONSENT_STATE_EXPIRED;
  }
  if (IsPartlyTakenBack(state, agreement, rules)) {
    return v1::CONSENT_STATE_PARTLY_WITHDRAWN;
  }
  return agreement.renewals.empty() ? v1::CONSENT_STATE_GIVEN : v1::CONSENT_STATE_RENEWED;
}

bool IsRenewable(v1::ConsentState state) {
  return state == v1::CONSENT_STATE_GIVEN || state == v1::CONSENT_STATE_RENEWED ||
         state == v1::CONSENT_STATE_PARTLY_WITHDRAWN;
}

}  // namespace relais::consent
