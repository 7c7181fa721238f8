// Whether an agreement still had something in it when its period ended. Pure.
#pragma once

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// True when a line of a no holds all of an agreement's line: an empty list of it means "all", a kind holds
/// the institutions of that kind.
[[nodiscard]] bool HoldsLine(const Line& denied, const Line& agreed, const Rules& rules);

/// True when later refusals and withdrawals of hers took every line of the agreement back, or it was ended
/// otherwise: then it did not expire, it had ended before. A line counts as taken back when one denied line
/// holds all of it; what several denials took back together still expires. That errs on the side of an expiry
/// that tells nothing new: decisions never look at it. How an agreement stands where names are linked:
/// against.h.
[[nodiscard]] bool IsTakenBack(const PersonState& state, const Agreement& agreement, const Rules& rules);

}  // namespace relais::consent
