// The one decision (D-2.6), a pure function of values. Everything that leaves an institution for another
// passes here.
#pragma once

#include <string_view>
#include <vector>

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/question.h"
#include "services/consent/domain/rules.h"
#include "services/consent/domain/team.h"

namespace relais::consent {

/// Decides each category in the order of D-2.6:
///  0. the directory is in force; nothing goes to another institution whose kind only sends (D-2.5), on any
///     ground; data on offences only from a sender that it authorises (D-2.7), on any ground, and on no
///     ground but the stated ones of 1 and 3: no agreement, team or emergency unlocks them;
///  1. a legal duty or authorisation, stated with its facts (stated_ground.h);
///  2. her latest act is a refusal, a withdrawal or an objection → deny (her_acts.h);
///  3. the opt-out regime of unpaid bills; an authorised sender's word that she leaves, and when (D-2.7);
///  4. same team (team.h);
///  5. her agreement; where one is asked about, that one (ADR 71);
///  6. break-glass: to its recipient, its categories, until its end, to transmit, consult, keep or show a
///  document,
///     never to act in her place;
///  7. otherwise deny, with the reason nearest to a permit: the stated ground's, else her agreement's, else
///  none.
[[nodiscard]] Answer Decide(const PersonState& state, const Question& question, const Rules& rules,
                            const Moment& moment, const Teams& teams = Teams());

/// What comes with that category of an answer, as if it had been asked for alone; nothing when it is denied.
[[nodiscard]] std::vector<v1::Obligation> ObligationsOf(const CategoryAnswer& answer,
                                                        std::string_view category, const Rules& rules);

}  // namespace relais::consent
