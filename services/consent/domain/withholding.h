// Which entries of her access history are not shown (RGPD art. 15.4, 23; code pénal 226-14). Pure.
//
// Withheld, by default and until somebody looked at it again:
//  - a check on a ground of step 1 (an *information préoccupante*, code pénal 226-14 1°, CASF L.226-2-2), or
//    whose categories rest on one of them: protected reports;
//  - a check for the purpose CHILD_PROTECTION, or whose recipient is of the kind CHILD_PROTECTION, whatever
//    was decided: inquiries about a child are not told to who may be their subject;
//  - an emergency declared for a recipient of the kind CHILD_PROTECTION, likewise;
//  - a denied check for which one of them was stated, or about a DISTRESS_REPORT, whose leaf may be of before
//    leaves said on what ground it was asked.
// Other household members, third parties and the agents' names are in no entry: only institutions, functions
// and codes are shown, never facts or references. All withheld entries carry one same reason, so that it does
// not tell which of the above it was.
#pragma once

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "relais/audit/v1/leaf.pb.h"
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

}  // namespace relais::consent
