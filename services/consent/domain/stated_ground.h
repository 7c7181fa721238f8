// Steps 1 and 3 of D-2.6: grounds that the sender states and the law gives. Pure.
//
// A legal duty or authorisation (D-2.3, D-2.6.1) lets transmit, with its facts, to who is competent:
//  - code pénal 226-14 1°: the authorities, by kind of the directory;
//  - CASF L.226-2-1, information préoccupante: the kind CHILD_PROTECTION, which the CRIP is of;
//  - CASF L.226-2-2: the same kind, for the purpose CHILD_PROTECTION, both functions bound by secrecy.
// A report of a signal type stands under its sender's protocol: events, purpose, recipients, categories; to
// the kind CHILD_PROTECTION it may also be sent for that purpose. Without a signal type a professional
// speaks: a function bound by secrecy, of an institution that does more than send; the law asks no protocol
// of it. It may send all categories but data on offences, to assess her situation or to protect her.
//
// That she leaves prison, and when (GROUND_AUTHORISED_EXIT; D-2.7, D-4.10), is said under its sender's
// protocol for that event, to the protocol's recipients and for its purpose, while the directory authorises
// the sender
// (`offence_senders`): data on offences alone, to transmit, of a day that is stated and not past.
#pragma once

#include <string_view>

#include "services/consent/domain/question.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// Grounds of step 1: code pénal 226-14 1°, CASF L.226-2-1 and L.226-2-2 (D-2.3, D-2.6.1).
[[nodiscard]] bool IsLegalDuty(common::v1::Ground ground);
/// Grounds of step 3: the opt-out regime of unpaid bills (D-1.4, D-1.5, D-1.13).
[[nodiscard]] bool IsOptOut(common::v1::Ground ground);

/// REASON_LEGAL_DUTY, or what is missing. The question states such a ground.
[[nodiscard]] v1::Reason JudgeLegalDuty(const Question& question, std::string_view category,
                                        const Rules& rules);
/// REASON_OPT_OUT_REGIME, or what is missing. The question states such a ground and she did not object.
[[nodiscard]] v1::Reason JudgeOptOut(const Question& question, std::string_view category, const Rules& rules,
                                     absl::CivilDay today);
/// REASON_AUTHORISED_EXIT, or what is missing. The question states GROUND_AUTHORISED_EXIT and she neither
/// refused nor objected.
[[nodiscard]] v1::Reason JudgeAuthorisedExit(const Question& question, std::string_view category,
                                             const Rules& rules, absl::CivilDay today);

}  // namespace relais::consent
