// How long alerting may keep what it was sent (D-2.10). Pure; one function per rule.
#pragma once

#include "absl/time/time.h"
#include "relais/alerting/v1/state.pb.h"

namespace relais::alerting {

struct RetentionRules {
  int signal_months = 13;  // a signal without alert, from its acceptance
  int alert_months = 24;   // an alert, from its end
};

/// A row that raised no alert and joined none is to be removed this long after it was accepted.
[[nodiscard]] bool SignalDue(absl::Time accepted, bool has_alert, absl::Time now,
                             const RetentionRules& rules);
/// What was accepted before this is due.
[[nodiscard]] absl::Time SignalsDueBefore(absl::Time now, const RetentionRules& rules);

/// True when nothing more is done about an alert in that state: settled, pulled back, not permitted; or
/// taken, after which alerting hears nothing of it but settlements. A new fact reopens it, settled or taken.
[[nodiscard]] bool IsOver(v1::Alert::State state);
/// An alert that has ended is to be removed, with the rows that tell of it, this long after its last change.
[[nodiscard]] bool AlertDue(const v1::AlertState& alert, absl::Time now, const RetentionRules& rules);
/// What ended before this is due.
[[nodiscard]] absl::Time AlertsDueBefore(absl::Time now, const RetentionRules& rules);

}  // namespace relais::alerting
