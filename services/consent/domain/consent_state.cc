#include "services/consent/domain/consent_state.h"

#include <algorithm>

#include "services/consent/domain/against.h"

namespace relais::consent {
namespace {

bool SomethingIsTaken(const PersonState& state, const Agreement& agreement, const Rules& rules,
                      absl::Time now) {
  return std::any_of(state.denials().begin(), state.denials().end(), [&](const Denial& denial) {
    return std::any_of(agreement.lines.begin(), agreement.lines.end(), [&](const Line& line) {
      return Against(state, denial, agreement, line, rules, now).takes != Takes::kNothing;
    });
  });
}

}  // namespace

v1::ConsentState StateOf(const PersonState& state, const Agreement& agreement, const Rules& rules,
                         absl::Time now) {
  if (agreement.EndedBy(now)) {
    return agreement.ended->invalidated ? v1::CONSENT_STATE_INVALIDATED : v1::CONSENT_STATE_TERMINATED;
  }
  if (agreement.ended || AllIsTaken(state, agreement, rules, now)) {
    return v1::CONSENT_STATE_WITHDRAWN;
  }
  if (now >= agreement.TermAt(now).until) {
    return v1::CONSENT_STATE_EXPIRED;
  }
  if (SomethingIsTaken(state, agreement, rules, now)) {
    return v1::CONSENT_STATE_PARTLY_WITHDRAWN;
  }
  return agreement.renewals.empty() ? v1::CONSENT_STATE_GIVEN : v1::CONSENT_STATE_RENEWED;
}

bool IsRenewable(v1::ConsentState state) {
  return state == v1::CONSENT_STATE_GIVEN || state == v1::CONSENT_STATE_RENEWED ||
         state == v1::CONSENT_STATE_PARTLY_WITHDRAWN;
}

}  // namespace relais::consent
