// What an agreement is now, in the words of D-2.12. For who reads it; decisions look at the acts themselves.
// Where persons are linked as one human, a no under another name that it could not answer shows as a
// withdrawal: one at any desk looks the same, so that nobody learns of a link from it (ADR 50). Pure.
#pragma once

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

[[nodiscard]] v1::ConsentState StateOf(const PersonState& state, const Agreement& agreement,
                                       const Rules& rules, absl::Time now);

/// True for an agreement that may be prolonged: it is in force and something of it is left.
[[nodiscard]] bool IsRenewable(v1::ConsentState state);

}  // namespace relais::consent
