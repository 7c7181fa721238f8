// The active référents of one human over all the names by which she is known: who leads, whether they are in
// conflict, and what is to be written so that each slot says so (D-5.2: at most one active; architecture,
// "Matching": the older leads until she decides). Pure.
//
// A slot is a name's. Persons who turn out to be one human may bring an active référent each; which of them
// go, she says, or those who part them. What a slot says of a conflict is made of all slots, a step at a
// time, and made again after every step: so it comes to the same whatever was done before, twice, or at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/routing/v1/state.pb.h"

namespace relais::routing {

struct NamedSlot {
  Id128 person;  // whose name it is
  v1::PersonSlot slot;
  uint64_t version = 0;  // of the row it was read from; 0: there is none
};

/// A référent and under which name he is, active unless said.
struct ActivePivot {
  size_t name = 0;  // position of its slot
  const v1::ReferentState* referent = nullptr;
};

/// Those that are active, the oldest first; of two of one instant the lower id. They live as long as `names`.
std::vector<ActivePivot> ActivePivots(const std::vector<NamedSlot>& names);

/// Their ids, if there are several: one text whatever their order. Empty: no conflict.
std::string ConflictBetween(const std::vector<ActivePivot>& pivots);

/// Who leads: whom she chose last in this conflict, else the oldest. Nullptr when there is none. `conflict`:
/// the 16 bytes that stand for ConflictBetween; empty: none.
const v1::ReferentState* LeadingPivot(const std::vector<ActivePivot>& pivots, std::string_view conflict);

/// The référent whom an institution is shown when it asks by the first of the names: of those that it
/// proposed or is. Under that name while one is active there; else the one who leads, or another who is
/// active, under whatever name; else a proposal that waits, else the newest of what is over, by the name
/// asked first. Nullopt: none is its own. It lives as long as `names`; `leading` is one of theirs, or null.
std::optional<ActivePivot> ReferentFor(const std::vector<NamedSlot>& names, const v1::ReferentState* leading,
                                       std::string_view institution);

struct PivotStep {
  enum class Kind {
    kEnd,   // she keeps another
    kMark,  // it is in this conflict, or in none any more
  };
  Kind kind = Kind::kMark;
  size_t name = 0;  // position of its slot
  std::string referent_id;
  bool follows = false;
};
/// What is to be written next; nullopt: every slot says how it is.
std::optional<PivotStep> NextPivotStep(const std::vector<ActivePivot>& pivots, std::string_view conflict);
/// Writes it. The référent after it, and what its leaf says; nullopt: there is no such active référent.
struct TakenPivotStep {
  v1::ReferentState referent;
  v1::PivotConflict conflict = v1::PIVOT_CONFLICT_UNSPECIFIED;
};
std::optional<TakenPivotStep> TakePivotStep(const PivotStep& step, std::string_view conflict, absl::Time now,
                                            v1::PersonSlot& slot);

/// Where it stands among several, as its slot says.
v1::PivotConflict ConflictOf(const v1::ReferentState& referent);

}  // namespace relais::routing
