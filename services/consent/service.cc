#include "services/consent/service.h"

#include <utility>

namespace relais::consent {

rpc::OpenedTable OpenedToPeers() {
  const std::set<audit::v1::EventClass> what_she_said = {
      audit::v1::EVENT_CLASS_PERSON_REGISTERED,  audit::v1::EVENT_CLASS_CONSENT_RECORDED,
      audit::v1::EVENT_CLASS_REFUSAL_RECORDED,   audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN,
      audit::v1::EVENT_CLASS_OBJECTION_RECORDED, audit::v1::EVENT_CLASS_OBJECTION_LIFTED,
      audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, audit::v1::EVENT_CLASS_CONSENT_EXPIRED,
      audit::v1::EVENT_CLASS_ERASE_REQUESTED};
  return {{"routing", what_she_said}, {"alerting", what_she_said}};
}

Service::Service(rpc::ServiceContext context, const Settings& settings, calendar::Paris paris)
    : context_(std::move(context)),
      store_(context_, settings.cached_persons),
      registry_{context_, store_, rules_, paris},
      persons_(registry_),
      agreements_(registry_),
      objections_(registry_),
      checks_(registry_, settings.permit_life),
      emergencies_(registry_),
      expiries_(registry_, settings.expiry_scan),
      erasures_(registry_),
      receipts_(registry_),
      disclosures_(registry_),
      rights_(registry_),
      record_rights_(registry_),
      keeper_(registry_, settings.retention) {
  if (context_.maintenance != nullptr) {
    context_.maintenance->UseKeeper(&keeper_);
  }
}

}  // namespace relais::consent
