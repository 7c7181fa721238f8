// How long the operators have things kept (D-2.10), as the service's settings say it.
#pragma once

#include "common/base/config.h"
#include "services/alerting/domain/retention.h"

namespace relais::alerting {

/// retention.signal_months and .alert_months: 1 to 1200 each, by default as RetentionRules has them.
/// Errors are the config's to report (Config::Finish).
[[nodiscard]] RetentionRules ReadRetention(Config& config);

}  // namespace relais::alerting
