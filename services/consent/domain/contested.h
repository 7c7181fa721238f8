// What of an agreement's line a no is about, and what agreements that answered the no leave of it: the
// reading of D-2.6.2 (her_acts.h) for whole lines instead of one question. Pure.
#pragma once

#include <string>
#include <vector>

#include "services/consent/domain/acts.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// Every combination of its lists. Points into the history and the line that it was made from.
struct Contested {
  template <typename Value>
  using Some = std::vector<const Value*>;

  Some<std::string> purposes;
  Some<std::string> categories;
  Some<common::v1::Act> acts;
  /// Institutions that the no names, itself or in what it took back: only an agreement that names them too
  /// answers it.
  Some<Recipient> narrow;
  /// Whom the no holds by their kind, or naming nobody: any agreement that covers them answers it.
  Some<Recipient> broad;
  /// The line it is a part of.
  const Line* line = nullptr;
  /// It is the line, as a whole.
  bool whole = false;
  /// The no holds it for one report, or for child protection, alone, and the agreement holds more.
  bool limited = false;

  /// Nothing is left of it.
  [[nodiscard]] bool empty() const { return narrow.empty() && broad.empty(); }
};

/// The parts of `line`, one of the agreement's, that the no is about. A withdrawal of one agreement reaches
/// as far as what it took back, within its own lines, and is narrow where either names the institution.
[[nodiscard]] std::vector<Contested> ContestedBy(const PersonState& state, const Denial& denial,
                                                 const Agreement& agreement, const Line& line,
                                                 const Rules& rules);

/// Takes out what an agreement on these lines answers. Of purposes, categories and acts, what only several
/// lines together hold counts as not answered: that errs on the side of her no.
void Answer(const Lines& yes, const Rules& rules, Contested& contested);

}  // namespace relais::consent
