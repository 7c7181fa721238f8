#include "services/alerting/retention_settings.h"

#include <string>

namespace relais::alerting {
namespace {

constexpr int64_t kMostMonths = 1200;

int Months(Config& config, const std::string& key, int by_default) {
  return static_cast<int>(config.Int("retention." + key, by_default, 1, kMostMonths));
}

}  // namespace

RetentionRules ReadRetention(Config& config) {
  RetentionRules rules;
  rules.signal_months = Months(config, "signal_months", rules.signal_months);
  rules.alert_months = Months(config, "alert_months", rules.alert_months);
  return rules;
}

}  // namespace relais::alerting
