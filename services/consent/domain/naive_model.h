// A model of D-2.6 written from its text, one act after the other, that shares no code with the decision:
// what the property test holds the decision against. Test code.
#pragma once

#include <string>

#include "services/consent/domain/decision.h"

namespace relais::consent::testing {

/// The reason for one category, under SampleRules().
v1::Reason Model(const PersonState& state, const Teams& teams, const Question& question,
                 const std::string& category, const Moment& moment);

}  // namespace relais::consent::testing
