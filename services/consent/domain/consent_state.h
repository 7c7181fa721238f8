// What an agreement is now, in the words of D-2.12. For who reads it; decisions look at the acts themselves.
// Pure.
#pragma once

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

[[nodiscard]] v1::ConsentState StateOf(const PersonState& state, const Agreement& agreement,
                                       const Rules& rules, absl::Time now);

/// True for an agreement that may be prolonged: it is in force and something of it is left.
[[nodiscard]] bool IsRenewable(v1::ConsentState state);

}  // namespace relais::consent
