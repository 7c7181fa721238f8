// How long alerting may keep what it was sent (D-2.10). Pure; one function per rule.
#pragma once

#include "absl/time/time.h"

namespace relais::alerting {

struct RetentionRules {
  int signal_months = 13;  // a signal without alert, from its acceptance
};

/// A row that raised no alert and joined none is to be removed this long after it was accepted.
[[nodiscard]] bool SignalDue(absl::Time accepted, bool has_alert, absl::Time now,
                             const RetentionRules& rules);
/// What was accepted before this is due.
[[nodiscard]] absl::Time SignalsDueBefore(absl::Time now, const RetentionRules& rules);

}  // namespace relais::alerting
