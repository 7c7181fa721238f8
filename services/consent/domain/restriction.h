// Restriction of processing (RGPD art. 18): a step before the order of D-2.6. Pure.
//
// While an institution's processing is restricted it may keep what it has and no more: nothing that it would
// give or receive is permitted, except what art. 18.2 excepts, as we read it (I, ADR 0020):
//  - by her consent: an agreement recorded after the restriction. One from before is what she restricted;
//  - for reasons of important public interest: a legal duty or authorisation (step 1);
//  - to protect a person: a vital emergency (step 6).
// Her refusals, withdrawals and objections go on denying as ever.
#pragma once

#include <optional>

#include "services/consent/domain/person_state.h"
#include "services/consent/domain/question.h"

namespace relais::consent {

/// The question as the order of D-2.6 is then asked: her state without the agreements that no longer count
/// and without any restriction, the question without a ground that no longer counts.
struct UnderRestriction {
  PersonState state;
  Question question;
};

/// Nullopt when neither sender nor recipient is restricted at that instant.
[[nodiscard]] std::optional<UnderRestriction> WhatRestrictionLeaves(const PersonState& state,
                                                                    const Question& question, absl::Time now);
/// Of an answer to that question: false for a permit on a ground that restriction stops, and for a denial for
/// want of a ground, or of one that still runs: the restriction is then the reason. Other denials keep
/// theirs.
[[nodiscard]] bool SurvivesRestriction(const CategoryAnswer& answer);

}  // namespace relais::consent
