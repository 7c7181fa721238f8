// Steps 2 and 5 of D-2.6: what her own acts, read in their order, say about one category. Pure.
//
// The reading of "the latest act of hers covering …; a later agreement supersedes an earlier refusal on
// exactly its lines; on a tie, or broad against narrow, the refusal wins":
//  - an act covers the question when one of its lines has the recipient, purpose, category and act asked; an
//    agreement limited to a source reference covers only questions about it;
//  - an act is narrow when it names the recipient institution, broad when it names its kind or, in a denial,
//  nobody; a withdrawal of one agreement is narrow too when it takes back one that names the institution.
//    Purposes, categories and acts are always named one by one in an agreement, so only recipients can be
//    broad;
//  - a denial (refusal or withdrawal) stands until a strictly later agreement that covers the question: a
//  narrow
//    denial until a narrow agreement, a broad one until any. So "all of them" is answered by a later "this
//    one", and "not this one" is not undone by a later "all of that kind";
//  - a denial ends, for this question, every agreement before it: one that was withdrawn does not come back
//  when
//    the agreement that followed expires;
//  - her own no is not undone by a representative's agreement, only by hers (I); an agreement that could not
//    undo a standing no never began;
//  - of persons who are linked as one human (links.h) a no under one name is not undone by an agreement under
//    another that was recorded before they were linked: "reads take the union, deny first" (ADR 40);
//  - a renewal lets an agreement last longer and says nothing else; a representative's agreement ends with
//  the
//    mandate (D-2.8); one that its collector ended no longer permits; one that an authority declared invalid
//    was never given (D-2.12);
//  - asked about one agreement (ADR 71): that one alone may permit, and says what is lacking; her noes stand
//    or are undone by all of them as ever;
//  - an objection to the sender stands until it is lifted, whatever she agrees to (D-1.6).
#pragma once

#include <string_view>
#include <vector>

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/question.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

struct HerWord {
  /// UNSPECIFIED, or why she denies it: OBJECTED, REFUSED, WITHDRAWN.
  v1::Reason denied = v1::REASON_UNSPECIFIED;
  /// The agreement that permits it: the one asked about, else the one that lasts longest. Null: none.
  const Agreement* agreement = nullptr;
  /// Without one, what is lacking, the nearest to a permit: EXPLICIT_REQUIRED, MANDATE_ENDED, TERMINATED,
  /// EXPIRED, INVALIDATED; else UNSPECIFIED.
  v1::Reason lacking = v1::REASON_UNSPECIFIED;
  /// Who represents her said it: the no, the agreement that permits, or the one that lacks something.
  bool represented = false;
};

/// Acts recorded after `now` are not there yet.
[[nodiscard]] HerWord ReadHerActs(const PersonState& state, const Question& question,
                                  std::string_view category, const Rules& rules, absl::Time now);

/// True when something could be covered by both lines; empty lists mean "all".
[[nodiscard]] bool Overlap(const Line& a, const Line& b, const Rules& rules);

/// True when the no is about that category of the question, whatever she agreed to since.
[[nodiscard]] bool IsAbout(const Denial& denial, const PersonState& state, const Question& question,
                           std::string_view category, const Rules& rules);

/// The agreements that a denial takes something from: the one it names first, if one, and all not yet ended
/// from whose lines it takes, under whichever name they were given (against.h).
[[nodiscard]] std::vector<Id128> AgreementsTouched(const PersonState& state, const Denial& denial,
                                                   const Rules& rules, absl::Time now);

}  // namespace relais::consent
