// How long the registry may keep what it knows (D-2.10). Pure; one function per rule.
#pragma once

#include "absl/time/time.h"
#include "services/consent/domain/person_state.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

struct RetentionRules {
  int person_months = 24;         // after the last contact; an automated feed is not one
  int agreement_months = 60;      // the proof of an agreement, after its end
  int objection_months = 36;      // the digest of an objection, after it was last recorded or renewed (D-1.6)
  int erasure_notice_months = 3;  // a notice that somebody is erased, after it was due
};

/// A person whom nobody has met for `person_months` months is to be erased.
[[nodiscard]] bool PersonDue(absl::Time last_contact, absl::Time now, const RetentionRules& rules);

/// The digest of an objection is kept until the instant recorded with it: 3 years after it was last recorded
/// or renewed (D-1.6). `kept_until` at the epoch: nothing is kept any more.
[[nodiscard]] bool ObjectionDigestDue(absl::Time kept_until, absl::Time now);

/// When an agreement ends, the first of: its period by the last renewal, or a representative's mandate; its
/// end by others; the act of hers that took back what was left of it.
[[nodiscard]] absl::Time EndOfAgreement(const PersonState& state, const Agreement& agreement,
                                        const Rules& rules);
/// What proves an agreement is to be removed `agreement_months` months after its end.
[[nodiscard]] bool AgreementProofDue(absl::Time ended, absl::Time now, const RetentionRules& rules);
/// What ended before this is due.
[[nodiscard]] absl::Time AgreementsDueBefore(absl::Time now, const RetentionRules& rules);
/// True while an agreement that ended still decides (D-2.6.2): it superseded an earlier denial that would
/// stand again without it, or a withdrawal names it and has its breadth from it.
[[nodiscard]] bool StillDecides(const PersonState& state, const Agreement& agreement, const Rules& rules);

}  // namespace relais::consent
