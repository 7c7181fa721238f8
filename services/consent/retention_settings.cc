#include "services/consent/retention_settings.h"

#include <string>

namespace relais::consent {
namespace {

constexpr int64_t kMostMonths = 1200;

int Months(Config& config, const std::string& key, int by_default) {
  return static_cast<int>(config.Int("retention." + key, by_default, 1, kMostMonths));
}

}  // namespace

RetentionRules ReadRetention(Config& config) {
  RetentionRules rules;
  rules.person_months = Months(config, "person_months", rules.person_months);
  rules.agreement_months = Months(config, "agreement_months", rules.agreement_months);
  rules.objection_months = Months(config, "objection_months", rules.objection_months);
  rules.erasure_notice_months = Months(config, "erasure_notice_months", rules.erasure_notice_months);
  return rules;
}

}  // namespace relais::consent
