// Who agreed for her, from a request: refused by field, or as the domain needs it (D-2.8, D-2.9).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "services/consent/domain/acts.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

struct Represented {
  bool represented = false;
  absl::Time mandate_until = absl::InfiniteFuture();  // excluded
  bool child_protection_only = false;
};

/// `institution` collects it: what its own record says of her age counts. Reads the store.
/// INVALID_ARGUMENT / INVALID_FIELDS about `representative` and what is in it. `representative`: null when
/// she spoke for herself.
absl::StatusOr<Represented> RepresentedBy(Registry& registry, const Rules& rules, const Id128& person,
                                          const std::string& institution,
                                          const v1::Representative* representative,
                                          const std::vector<Line>& lines, absl::Time now);

/// INVALID_FIELDS for a capacity in which nobody says no for her, or takes back (D-2.8).
absl::Status CheckSaidBy(v1::Representation said_by);

/// The end of a mandate as messages say it: nothing when it has none.
void SetMandateEnd(const Represented& represented, v1::Consent& consent);

}  // namespace relais::consent
