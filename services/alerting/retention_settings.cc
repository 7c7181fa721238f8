#include "services/alerting/retention_settings.h"

namespace relais::alerting {

RetentionRules ReadRetention(Config& config) {
  RetentionRules rules;
  rules.signal_months = config.Months("retention.signal_months", rules.signal_months);
  rules.alert_months = config.Months("retention.alert_months", rules.alert_months);
  return rules;
}

}  // namespace relais::alerting
