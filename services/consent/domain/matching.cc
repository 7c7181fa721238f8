#include "services/consent/domain/matching.h"

#include <algorithm>

namespace relais::consent {
namespace {

bool Meet(const std::vector<Id128>& a, const std::vector<Id128>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](const Id128& key) { return std::binary_search(b.begin(), b.end(), key); });
}

}  // namespace

MatchKeys MatchKeysOf(const Secret& key, const identity::Traits& traits) {
  return {identity::LinkKeys(key, traits), identity::CandidateKeys(key, traits)};
}

Likeness LikenessOf(const MatchKeys& a, const MatchKeys& b) {
  if (Meet(a.link, b.link)) {
    return Likeness::kSame;
  }
  return Meet(a.candidate, b.candidate) ? Likeness::kCandidate : Likeness::kNothing;
}

MatchOutcome JudgeSightings(const std::vector<Sighting>& sightings, bool more_are_same) {
  // One who is linked already, or was rejected, is not the other of "exactly one" that is still sought; but a
  // rejected one that is just the same says that these traits do not tell humans apart.
  const auto same = std::count_if(sightings.begin(), sightings.end(), [](const Sighting& sighting) {
    return sighting.likeness == Likeness::kSame && !sighting.linked;
  });
  MatchOutcome outcome;
  for (const Sighting& sighting : sightings) {
    if (sighting.likeness == Likeness::kNothing || sighting.linked || sighting.rejected) {
      continue;
    }
    if (sighting.likeness == Likeness::kSame && same == 1 && !more_are_same) {
      outcome.link = sighting.person;
    } else {
      outcome.candidates.push_back(sighting.person);
    }
  }
  std::sort(outcome.candidates.begin(), outcome.candidates.end());
  return outcome;
}

}  // namespace relais::consent
