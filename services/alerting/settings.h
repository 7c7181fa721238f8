// What an operator may set of alerting's behaviour; defaults as designed.
#pragma once

#include <set>
#include <string>

#include "absl/time/time.h"
#include "services/alerting/domain/alert_rules.h"
#include "services/alerting/domain/retention.h"

namespace relais::alerting {

struct Settings {
  RuleSettings rules;
  RetentionRules retention;
  std::set<std::string> rebuild;  // peers whose logs are followed from their first leaf again
  absl::Duration lease = absl::Seconds(2);
  absl::Duration probe_interval = absl::Milliseconds(200);
  absl::Duration peer_timeout = absl::Seconds(10);
};

}  // namespace relais::alerting
