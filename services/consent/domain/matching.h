// Whether two records speak of the same human, and what follows (architecture, "Matching"). Pure.
//
//  - linked at once: same surname, all first names and exact birth date, and one of birthplace, telephone,
//    shared identifier; never for 1 January, 31 December or a day marked presumed;
//  - and only where exactly one other person matches so: of two nobody knows which;
//  - else a candidate for a steward, where something coarser is the same; else nothing;
//  - what a steward rejected is never linked at once nor proposed again.
#pragma once

#include <optional>
#include <vector>

#include "common/base/id128.h"
#include "common/base/secret.h"
#include "common/identity/match_key.h"
#include "common/identity/traits.h"

namespace relais::consent {

/// The keyed hashes under which a record is found, sorted.
struct MatchKeys {
  std::vector<Id128> link;
  std::vector<Id128> candidate;
};
[[nodiscard]] MatchKeys MatchKeysOf(const Secret& key, const identity::Traits& traits);

enum class Likeness { kNothing, kCandidate, kSame };

/// How alike two records are, by their keys.
[[nodiscard]] Likeness LikenessOf(const MatchKeys& a, const MatchKeys& b);

/// Another person, all of whose records that share a key with the new one have been looked at.
struct Sighting {
  Id128 person;
  Likeness likeness = Likeness::kNothing;
  bool linked = false;    // one human with the new record's person already
  bool rejected = false;  // a steward said that they are two
};

struct MatchOutcome {
  std::optional<Id128> link;
  std::vector<Id128> candidates;  // sorted
};
/// Each person at most once in `sightings`. `more_are_same`: others are just the same too, so many that they
/// were not looked at: then nobody is the exactly one.
[[nodiscard]] MatchOutcome JudgeSightings(const std::vector<Sighting>& sightings, bool more_are_same = false);

}  // namespace relais::consent
