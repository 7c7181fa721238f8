// What an agreement is now, in the words of D-2.12, and what became of it. For who reads it; decisions look
// at the acts themselves. Where persons are linked as one human, a no under another name that it could not
// answer shows as a withdrawal: one at any desk looks the same, so that nobody learns of a link from it (ADR
// 50). Pure.
#pragma once

#include <vector>

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// What it was from an instant on.
struct ConsentChange {
  absl::Time at;
  v1::ConsentState state;
  friend bool operator==(const ConsentChange&, const ConsentChange&) = default;
};

struct ConsentHistory {
  v1::ConsentState state = v1::CONSENT_STATE_UNSPECIFIED;  // now
  std::vector<ConsentChange> changes;                      // oldest first
};

[[nodiscard]] ConsentHistory HistoryOf(const PersonState& state, const Agreement& agreement,
                                       const Rules& rules, absl::Time now);
[[nodiscard]] v1::ConsentState StateOf(const PersonState& state, const Agreement& agreement,
                                       const Rules& rules, absl::Time now);

/// True for an agreement that may be prolonged: it is in force and something of it is left.
[[nodiscard]] bool IsRenewable(v1::ConsentState state);

}  // namespace relais::consent
