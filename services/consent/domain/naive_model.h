// A model of D-2.6 written from its text, one act after the other, that shares no code with the decision:
// what the property test holds the decision against. Test code.
#pragma once

#include <functional>
#include <string>

#include "services/consent/domain/decision.h"

namespace relais::consent::testing {

/// Whether an agreement is heard by a no, where persons are linked: both by the names they were said under.
using Hears = std::function<bool(const Denial& no, const Agreement& yes)>;

/// The reason for one category, under SampleRules(). Without `hears` every no hears every agreement.
v1::Reason Model(const PersonState& state, const Teams& teams, const Question& question,
                 const std::string& category, const Moment& moment, const Hears& hears = nullptr);

}  // namespace relais::consent::testing
