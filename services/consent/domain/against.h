// What her noes take from an agreement, for who reads how the agreement stands. Pure; decisions look at the
// acts themselves (her_acts.h), and something is taken exactly where they deny by a no (ADR 50).
//
// A no counts against what was agreed to before it, also where it takes back another agreement on the same
// lines, and against a later agreement that could not answer it: a representative's to her own no, a broad
// one to a no that names the institution, one under another name that was recorded before they were one human
// (D-2.6.2; "reads take the union, deny first", ADR 40). What another agreement had answered by then stands
// no more.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// One no that took something from it.
struct TookFrom {
  /// Never before they were one human, so that nothing changes in retrospect when persons are linked, and
  /// never before the agreement.
  absl::Time since;
  /// It was there when the agreement was given under the same name, or recorded since the two were one: what
  /// it holds never began.
  bool before = false;
  bool represented = false;  // a representative said it; else she herself
};

struct Taken {
  std::vector<TookFrom> noes;       // in the order of `since`; none after `whole`
  std::optional<absl::Time> whole;  // since when nothing of it is left
};

/// By what is known at `now`; what an agreement had ended by, by its period or its mandate, takes nothing any
/// more. A line counts as taken whole, never while a check permits something by it, when
/// - one line of a no holds all of it; or
/// - noes said since the agreement hold it together, each combination of its lists in one of them. A kind is
///   held by a no to the kind or to everybody: its institutions are not counted.
/// Not put together, but a part: what a no from before the agreement holds, and more than 256 parts of a
/// line.
[[nodiscard]] Taken WhatWasTaken(const PersonState& state, const Agreement& agreement, const Rules& rules,
                                 absl::Time now);

/// True when the no takes something from it by `now`: one of the history's, or one that is to join it.
[[nodiscard]] bool TakesFrom(const PersonState& state, const Denial& denial, const Agreement& agreement,
                             const Rules& rules, absl::Time now);

/// How many lines WhatWasTaken may have to compare for each line of an agreement: what bounds a page of them.
[[nodiscard]] size_t ComparedPerLine(const PersonState& state);

}  // namespace relais::consent
