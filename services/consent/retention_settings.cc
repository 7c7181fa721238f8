#include "services/consent/retention_settings.h"

namespace relais::consent {

RetentionRules ReadRetention(Config& config) {
  RetentionRules rules;
  rules.person_months = config.Months("retention.person_months", rules.person_months);
  rules.agreement_months = config.Months("retention.agreement_months", rules.agreement_months);
  rules.objection_months = config.Months("retention.objection_months", rules.objection_months);
  rules.erasure_notice_months = config.Months("retention.erasure_notice_months", rules.erasure_notice_months);
  return rules;
}

}  // namespace relais::consent
