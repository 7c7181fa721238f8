#include "services/consent/service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::consent {

rpc::OpenedTable OpenedToPeers() {
  const std::set<audit::v1::EventClass> what_she_said = {
      audit::v1::EVENT_CLASS_PERSON_REGISTERED,  audit::v1::EVENT_CLASS_CONSENT_RECORDED,
      audit::v1::EVENT_CLASS_REFUSAL_RECORDED,   audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN,
      audit::v1::EVENT_CLASS_OBJECTION_RECORDED, audit::v1::EVENT_CLASS_OBJECTION_LIFTED,
      audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, audit::v1::EVENT_CLASS_CONSENT_EXPIRED,
      audit::v1::EVENT_CLASS_ERASE_REQUESTED,    audit::v1::EVENT_CLASS_HOLD_PLACED,
      audit::v1::EVENT_CLASS_HOLD_ENDED,         audit::v1::EVENT_CLASS_PERSONS_LINKED,
      audit::v1::EVENT_CLASS_PERSONS_SPLIT,      audit::v1::EVENT_CLASS_STATUS_UPDATED};
  rpc::OpenedTable table = {
      {"routing", what_she_said}, {"alerting", what_she_said}, {"vault", what_she_said}};
  // Papers hang on agreements and on her no; who she is elsewhere, and how she fares, they do not.
  for (const auto not_papers :
       {audit::v1::EVENT_CLASS_PERSON_REGISTERED, audit::v1::EVENT_CLASS_EMERGENCY_DECLARED}) {
    table["vault"].erase(not_papers);
  }
  // A restriction ends permits and hosts (RGPD art. 18).
  table["vault"].insert(audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED);
  for (const auto told_to_dpos :
       {audit::v1::EVENT_CLASS_AGENT_SEARCHED, audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE}) {
    table["routing"].insert(told_to_dpos);
  }
  return table;
}

Service::Service(rpc::ServiceContext context, const Settings& settings, calendar::Paris paris,
                 std::unique_ptr<audit::TailSource> routing_log, std::unique_ptr<audit::TailSource> vault_log)
    : context_(std::move(context)),
      store_(context_, settings.cached_persons, settings.packed_bytes),
      registry_{context_, store_, rules_, paris, settings.notices_required, settings.links},
      persons_(registry_, settings.register_tick),
      identifiers_(registry_),
      statuses_(registry_),
      candidates_(registry_),
      links_(registry_),
      agreements_(registry_),
      objections_(registry_, settings.retention.objection_months),
      checks_(registry_, settings.permit_life),
      emergencies_(registry_),
      consents_(registry_, settings.retention),
      duties_(registry_),
      erasure_notices_(registry_),
      rectification_notices_(registry_),
      notices_(registry_),
      withdrawals_(registry_),
      expiries_(registry_, settings.expiry_scan),
      erasures_(registry_),
      holds_(registry_),
      receipts_(registry_, settings.storage_locations),
      disclosures_(registry_),
      withheld_(registry_),
      rights_(registry_),
      record_rights_(registry_, settings.export_page_bytes),
      keeper_(registry_, settings.retention,
              [this] { return vault_follower_ == nullptr || vault_follower_->LeaseHeld(); }),
      routing_leaves_(registry_),
      routing_log_(std::move(routing_log)),
      vault_leaves_(registry_),
      vault_log_(std::move(vault_log)),
      own_leaves_(
          registry_,
          settings.match_key ? *settings.match_key : MatchKey{0, context_.log.DeriveKey("relais match v1")},
          settings.register_tick + settings.match_after),
      notices_to_erase_(registry_),
      status_of_names_(registry_),
      own_(settings.links ? &own_leaves_ : nullptr, notices_to_erase_, status_of_names_),
      own_log_(audit::LocalSource(context_.log, &OwnLog::Wants)) {
  registry_.erasure_notice_months = settings.retention.erasure_notice_months;
  audit::FollowerOptions own;
  // Another key, or links switched on: every record is matched anew.
  own.name = settings.links ? absl::StrCat("own/match/", own_leaves_.key().version) : "own";
  own.rebuild = settings.rebuild_own;
  own_follower_ = audit::Follower::Create(own, *own_log_, own_, context_.store, context_.clock,
                                          context_.random, context_.executor);
  if (routing_log_ != nullptr) {
    audit::FollowerOptions options;
    options.name = "routing";
    options.lease = settings.lease;
    options.probe_interval = settings.probe_interval;
    options.rebuild = settings.rebuild_routing;
    routing_follower_ = audit::Follower::Create(options, *routing_log_, routing_leaves_, context_.store,
                                                context_.clock, context_.random, context_.executor);
    registry_.teams_known = [follower = routing_follower_.get()] { return follower->LeaseHeld(); };
  }
  if (vault_log_ != nullptr) {
    audit::FollowerOptions options;
    options.name = "vault";
    options.lease = settings.lease;
    options.probe_interval = settings.probe_interval;
    options.rebuild = settings.rebuild_vault;
    vault_follower_ = audit::Follower::Create(options, *vault_log_, vault_leaves_, context_.store,
                                              context_.clock, context_.random, context_.executor);
  }
  if (context_.maintenance != nullptr) {
    context_.maintenance->UseKeeper(&keeper_);
  }
}

absl::Status Service::Start() {
  if (routing_follower_ != nullptr) {
    RETURN_IF_ERROR(routing_follower_->Start());
  }
  if (vault_follower_ != nullptr) {
    RETURN_IF_ERROR(vault_follower_->Start());
  }
  RETURN_IF_ERROR(own_follower_->Start());
  expiries_.Start();
  return absl::OkStatus();
}

Task<bool> Service::Stop() {
  if (routing_follower_ != nullptr) {
    co_await routing_follower_->Stop();
  }
  if (vault_follower_ != nullptr) {
    co_await vault_follower_->Stop();
  }
  co_await own_follower_->Stop();
  const bool stopped = co_await expiries_.Stop();
  co_return stopped;
}

}  // namespace relais::consent
