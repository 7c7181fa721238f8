// What a no of hers takes from an agreement, for who reads how the agreement stands. Pure; decisions look at
// the acts themselves (her_acts.h).
//
// Of one name a no counts against what she had agreed to before it (D-2.12). Of persons who are linked as one
// human a no under one name also counts against an agreement of another name that was given after it and
// could not answer it: "reads take the union, deny first" (ADR 40, ADR 50).
#pragma once

#include "absl/time/time.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

enum class Takes { kNothing, kPart, kAll };

/// What one no takes from one line of an agreement, and since when: never before they were one human, so that
/// nothing changes in retrospect when persons are linked. `since` is set unless it takes nothing.
struct NoAgainst {
  Takes takes = Takes::kNothing;
  absl::Time since = absl::InfinitePast();
};

/// `line` is one of the agreement's. A line counts as taken whole when one line of the no holds all of it;
/// what is answered by several agreements together counts as not answered. Both err on the side of her no
/// where names are several.
[[nodiscard]] NoAgainst Against(const PersonState& state, const Denial& denial, const Agreement& agreement,
                                const Line& line, const Rules& rules, absl::Time now);

/// Whether noes took every line of it by what is known now.
[[nodiscard]] bool AllIsTaken(const PersonState& state, const Agreement& agreement, const Rules& rules,
                              absl::Time now);

}  // namespace relais::consent
