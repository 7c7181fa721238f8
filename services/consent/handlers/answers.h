// Decisions as callers may see them (D-2.6: institutions see a permit with ground and obligations, or
// NOT_PERMITTED and what to do).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "relais/consent/v1/consent_service.pb.h"
#include "services/consent/domain/question.h"

namespace relais::consent {

enum class Sees { kEverything, kInstitutionsShare };

using Obligations = std::vector<v1::Obligation>;

/// Without revision, permit and proof. For institutions a denial has no ground, no reason but NOT_PERMITTED,
/// and nothing names an agreement. `owed`: what comes with each category, in their order.
v1::CheckResponse ResponseOf(const Answer& answer, const std::vector<Obligations>& owed,
                             const Question& question, Sees sees);

/// What to do when it is denied, in French then English. The same for every denial: it must not tell why.
std::string NextStep();

}  // namespace relais::consent
