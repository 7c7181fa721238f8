// Persons who are linked as one human: histories read together, her no first, and taken apart again. Pure
// (architecture, "Matching": merge is a link, never a move).
//
// While B is linked to A, B's history is frozen and acts under B's name are recorded in A's, marked as B's
// (`Origin`). What changes a frozen act (an agreement's renewal, an objection's lifting) is a copy of it in
// A's history, also marked as B's, which then counts with it. Who is linked to A is A's list; nobody who has
// others linked to her is frozen, so that what was recorded since a link is never frozen while it lasts.
#pragma once

#include <optional>
#include <vector>

#include "services/consent/domain/person_state.h"

namespace relais::consent {

/// A frozen history and whose it is.
struct FrozenHistory {
  Id128 person;
  PersonState state;
};

/// The union: every no, objection and agreement of all, each with the name it was said under, which a yes
/// under another answers only if it was recorded since they are one (her_acts.h). Of copies of one act under
/// one name the ended one counts: ended, judged to be none, lifted under that name. Every name has objections
/// and restrictions of its own: until each is lifted or ended, it stands. In the order of their instants, as
/// each was recorded.
[[nodiscard]] PersonState Unite(const PersonState& canonical, const std::vector<FrozenHistory>& frozen);

/// Who of two linked persons is the one whose history goes on: the one who has others linked to her, of two
/// who have none the lower id. Nullopt: both have; the links of one are to be undone first.
[[nodiscard]] std::optional<Id128> RootOfTwo(const Id128& one, bool one_has_linked, const Id128& other,
                                             bool other_has_linked);

/// Who leaves with a link that ends: whom it links first, then everybody who was said to be one with her or
/// with somebody of these.
[[nodiscard]] std::vector<Id128> LeavingWith(const std::vector<Link>& links, const Id128& link);

/// More names than these are not made one human, nor is a history linked that was so often before: so that
/// what links and parts them always fits (store.h, Room).
inline constexpr size_t kMostNames = 16;
inline constexpr size_t kMostLinks = 64;
/// Whether another history may be read with this one. `united`: what Unite gave, `other` likewise.
[[nodiscard]] bool MayJoin(const PersonState& united, const PersonState& other);

/// What stays and what leaves when a link ends.
struct Parted {
  PersonState stays;
  PersonState leaves;  // of whom it linked: the canonical one of those who leave, who are in its links
};
/// `united`: what Unite gave. What was recorded under the name of one who leaves, leaves; every refusal,
/// withdrawal, standing objection and standing restriction said since the link stays with both sides: nobody
/// knows who said it. An objection that is about a record stays with the other side as its own, about none:
/// to lift it there names no record, which the first side's objection is about (D-1.6). The link is marked as
/// ended in `stays`, by `ended_by`, and so are those of who goes along, whose links go on in `leaves`. A
/// withdrawal of one agreement keeps what it took back, so that it reaches as far where the agreement is not.
/// `link` must be one of its own, not ended.
[[nodiscard]] Parted Part(const PersonState& united, const Id128& link, absl::Time at,
                          const Id128& ended_by = {});

/// The frozen history with what left for it: on its own again. `ended`: the link, as `stays` has it.
/// `other`: who stays.
[[nodiscard]] PersonState Rejoin(const PersonState& frozen, const PersonState& leaves, Link ended,
                                 const Id128& other);

}  // namespace relais::consent
