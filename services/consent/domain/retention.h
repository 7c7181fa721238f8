// How long the registry may keep what it knows (D-2.10). Pure; one function per rule.
#pragma once

#include "absl/time/time.h"

namespace relais::consent {

struct RetentionRules {
  int person_months = 24;  // after the last contact; an automated feed is not one
};

/// A person whom nobody has met for `person_months` months is to be erased.
[[nodiscard]] bool PersonDue(absl::Time last_contact, absl::Time now, const RetentionRules& rules);

/// The digest of an objection is kept until the instant recorded with it: 3 years after it was last recorded
/// or renewed (D-1.6). `kept_until` at the epoch: nothing is kept any more.
[[nodiscard]] bool ObjectionDigestDue(absl::Time kept_until, absl::Time now);

}  // namespace relais::consent
