// Steps 1 and 3 of D-2.6: grounds that the sender states and the law gives. Pure.
#pragma once

#include <string_view>

#include "services/consent/domain/question.h"
#include "services/consent/domain/rules.h"

namespace relais::consent {

/// Grounds of step 1: code pénal 226-14 1° and information préoccupante (D-2.3, D-2.6.1).
[[nodiscard]] bool IsLegalDuty(common::v1::Ground ground);
/// Grounds of step 3: the opt-out regime of unpaid bills (D-1.4, D-1.5, D-1.13).
[[nodiscard]] bool IsOptOut(common::v1::Ground ground);

/// REASON_LEGAL_DUTY, or what is missing. The question states such a ground.
[[nodiscard]] v1::Reason JudgeLegalDuty(const Question& question, std::string_view category,
                                        const Rules& rules);
/// REASON_OPT_OUT_REGIME, or what is missing. The question states such a ground and she did not object.
[[nodiscard]] v1::Reason JudgeOptOut(const Question& question, std::string_view category, const Rules& rules,
                                     absl::CivilDay today);

}  // namespace relais::consent
