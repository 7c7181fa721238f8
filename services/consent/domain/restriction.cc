#include "services/consent/domain/restriction.h"

#include <algorithm>
#include <vector>

#include "services/consent/domain/stated_ground.h"

namespace relais::consent {
namespace {

bool StandsAt(const Restriction& restriction, absl::Time now) {
  return restriction.from <= now && (!restriction.until || now < *restriction.until);
}

}  // namespace

std::optional<UnderRestriction> WhatRestrictionLeaves(const PersonState& state, const Question& question,
                                                      absl::Time now) {
  std::vector<const Restriction*> standing;
  for (const Restriction& restriction : state.restrictions()) {
    const bool concerned =
        restriction.institution == question.sender || restriction.institution == question.recipient;
    if (concerned && StandsAt(restriction, now)) {
      standing.push_back(&restriction);
    }
  }
  if (standing.empty()) {
    return std::nullopt;
  }
  const auto gone = [&](const Agreement& agreement) {
    return std::any_of(standing.begin(), standing.end(), [&](const Restriction* restriction) {
      return agreement.recorded < restriction->from ||
             agreement.recorded <= state.OneSince(restriction->origin.of, agreement.origin.of);
    });
  };
  UnderRestriction left{state.Without(gone), question};
  if (!IsLegalDuty(question.stated.ground)) {
    left.question.stated.ground = common::v1::GROUND_UNSPECIFIED;
  }
  return left;
}

bool SurvivesRestriction(const CategoryAnswer& answer) {
  if (answer.permitted()) {
    return answer.ground == common::v1::GROUND_AGREEMENT || answer.ground == common::v1::GROUND_EMERGENCY ||
           IsLegalDuty(answer.ground);
  }
  switch (answer.reason) {
    case v1::REASON_NO_GROUND:
    case v1::REASON_EXPIRED:
      return false;
    default:
      return true;  // denied all the same, for a reason of its own
  }
}

}  // namespace relais::consent
