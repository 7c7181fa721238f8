// A model of D-2.6 written from its text, one act after the other, that shares no code with the decision:
// what the property test holds the decision against. Test code.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "services/consent/domain/decision.h"

namespace relais::consent::testing {

/// Whether an agreement is heard by a no, or a restriction, that was said under the name `no`, where persons
/// are linked.
using Hears = std::function<bool(const Id128& no, const Agreement& yes)>;

/// Whether her demand (RGPD art. 18) restricts the processing of the sender or of the recipient at `now`.
bool Restricted(const PersonState& state, const Question& question, absl::Time now);

/// Whether it is the reason of a permit.
bool Permits(v1::Reason reason);

/// The reason for one category, under SampleRules(). Without `hears` every no and restriction hears every
/// agreement.
v1::Reason Model(const PersonState& state, const Teams& teams, const Question& question,
                 const std::string& category, const Moment& moment, const Hears& hears = nullptr);

/// The reasons for a question of one or more categories: each category for itself, in the order asked, and
/// the whole's, which is permitted only if every category is.
struct Reasons {
  v1::Reason whole = v1::REASON_UNSPECIFIED;
  std::vector<v1::Reason> each;
};
Reasons ModelAll(const PersonState& state, const Teams& teams, const Question& question,
                 const Moment& moment);

}  // namespace relais::consent::testing
