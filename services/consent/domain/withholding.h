// Which entries of her access history are not shown (RGPD art. 15.4, 23; code pénal 226-14). Pure.
//
// Withheld, by default and until somebody looked at it again:
//  - a check on a ground of step 1 (an *information préoccupante*, code pénal 226-14 1°, CASF L.226-2-2), or
//    whose categories rest on one of them: protected reports;
//  - a check for the purpose CHILD_PROTECTION, or whose recipient is of the kind CHILD_PROTECTION, whatever
//    was decided: inquiries about a child are not told to who may be their subject. Of a recipient that is in
//    the directory no more by the kind that the leaf says it had; one of which that is not known may have
//    been of that kind;
//  - an emergency declared for such a recipient, likewise;
//  - a denied check for which one of them was stated, or about a DISTRESS_REPORT, whose leaf may be of before
//    leaves said on what ground it was asked.
// Other household members, third parties and the agents' names are in no entry: only institutions, functions
// and codes are shown, never facts or references. All withheld entries carry one same reason, so that it does
// not tell which of the above it was.
//
// Reviewed by the institution that may have an inquiry: who received it, or would have and is of the kind
// CHILD_PROTECTION, or may have been (in the directory no more, it reviews nothing); of what was denied
// otherwise, from which nothing went to anybody, who asked. It keeps it back until a day at most 12 months
// later (I), or shows it, for good. A permitted report under code pénal 226-14 is not shown by any review: it
// went to an authority to whom the law lets abuse be told, and what comes of it may be secret whatever that
// institution thinks (code de procédure pénale 11) (I). Nor does an institution show what another one asked
// for as such a report: it would tell who wanted to report.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/base/id128.h"
#include "relais/audit/v1/leaf.pb.h"
#include "relais/consent/v1/disclosures.pb.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

[[nodiscard]] bool IsWithheld(const audit::v1::LeafHeader& header, const v1::CheckDecided& check,
                              const Rules& rules);
[[nodiscard]] bool IsWithheld(const v1::EmergencyDeclared& emergency, const Rules& rules);
/// The same of one in her state: nothing of it is in her export either.
[[nodiscard]] bool IsWithheld(const Emergency& emergency, const Rules& rules);

/// The day on which withholding must be looked at again: six months after the day of the act, clamped (I).
[[nodiscard]] absl::CivilDay ReviewOn(absl::CivilDay decided_on);

/// Who reviews an entry that is withheld, and what it may say.
struct Withholding {
  std::string reviewer;  // an institution; empty: nobody
  bool may_show = false;
};
/// Nullopt: it is not withheld.
[[nodiscard]] std::optional<Withholding> WithholdingOf(const audit::v1::LeafHeader& header,
                                                       const v1::CheckDecided& check, const Rules& rules);
[[nodiscard]] std::optional<Withholding> WithholdingOf(const v1::EmergencyDeclared& emergency,
                                                       const Rules& rules);

/// What counts of an entry: SHOW, which is not taken back; else one that does not read; else the last one.
struct Review {
  v1::WithheldDecision decision = v1::WITHHELD_DECISION_UNSPECIFIED;
  absl::CivilDay keep_until;  // of KEEP
  absl::Time at;
  bool unreadable = false;  // its decision is not known: it may have been SHOW
};
/// By the event of the entry.
using Reviews = std::map<Id128, Review>;

/// One more of an entry, maybe under another name of hers.
void AddReview(const Id128& event, const Review& review, Reviews& reviews);
/// True where a review that counts does not read: the entry is withheld as by default, and no KEEP may be
/// written over what she may have been shown.
[[nodiscard]] bool MayHaveBeenShown(const Reviews& reviews, const Id128& event);
/// Whether that entry, which is withheld by default, is shown since a review.
[[nodiscard]] bool IsShown(const Reviews& reviews, const Id128& event);
/// The day on which an entry withheld on that day must be looked at again.
[[nodiscard]] absl::CivilDay ReviewOn(const Reviews& reviews, const Id128& event, absl::CivilDay decided_on);

enum class ReviewProblem {
  kNone,
  kNotToBeShown,  // the law keeps it back
  kNoDay,         // KEEP without a day
  kNotFuture,     // today or before
  kTooFar,        // more than 12 months after today
  kDayOfShown,    // SHOW with a day
};
[[nodiscard]] ReviewProblem JudgeReview(const Withholding& withholding, v1::WithheldDecision decision,
                                        std::optional<absl::CivilDay> keep_until, absl::CivilDay today);

}  // namespace relais::consent
