// Match keys: keyed hashes of normalised traits, by which consent finds records that may speak of the same
// human. The key ("match" in the ring, versioned, consent's alone) is recomputed under, from the sealed
// traits, when it rotates. Pure, thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "common/base/id128.h"
#include "common/base/secret.h"
#include "common/identity/traits.h"

namespace relais::identity {

inline constexpr std::string_view kMatchKeyName = "match";

/// Two records that share one of these are linked at once, if exactly one other has it: same surname, all
/// first names and exact birth date, and one of birthplace, phone, shared identifier. None for 1 January, 31
/// December, a presumed date, or when surname, first names or all three supports are unknown. Sorted, each
/// once.
[[nodiscard]] std::vector<Id128> LinkKeys(const Secret& key, const Traits& traits);

/// Two records that share one of these and are not linked are a candidate for a steward. Coarser, on purpose:
/// one surname word and one first name with the day (day and month in either order), surname and one first
/// name with the year, the birthplace or the address, one first name with the phone, names in any order with
/// the date, a shared identifier. Never a name or an address alone. At most 64. Sorted, each once.
[[nodiscard]] std::vector<Id128> CandidateKeys(const Secret& key, const Traits& traits);

}  // namespace relais::identity
