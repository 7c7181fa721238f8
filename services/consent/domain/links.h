// Persons who are linked as one human: histories read together, her no first, and taken apart again. Pure
// (architecture, "Matching": merge is a link, never a move).
//
// While B is linked to A, B's history is frozen and acts under B's name are recorded in A's, marked as B's
// (`Origin`). What changes a frozen act (an agreement's renewal, an objection's lifting) is a copy of it in
// A's history, also marked as B's, which then counts instead.
#pragma once

#include <vector>

#include "services/consent/domain/person_state.h"

namespace relais::consent {

/// A frozen history and whose it is.
struct FrozenHistory {
  Id128 person;
  PersonState state;
};

/// The union: every no, objection and agreement of all. Of the same record's objection the newest change
/// counts; of the two that one is a copy of, the copy. In the order of their instants, as each was recorded.
[[nodiscard]] PersonState Unite(const PersonState& canonical, const std::vector<FrozenHistory>& frozen);

/// What stays and what leaves when a link ends.
struct Parted {
  PersonState stays;
  PersonState leaves;
};
/// `united`: what Unite gave. What was recorded under the other's name leaves with her; every refusal,
/// withdrawal, standing objection and standing restriction recorded since the link stays with both: nobody
/// knows who said it. The link is marked as ended in `stays`. `link` must be one of its own, not ended.
[[nodiscard]] Parted Part(const PersonState& united, const Id128& link, absl::Time at);

/// The frozen history with what left for it: on its own again. `ended`: the link, as `stays` has it, naming
/// the other side.
[[nodiscard]] PersonState Rejoin(const PersonState& frozen, const PersonState& leaves, const Link& ended);

}  // namespace relais::consent
