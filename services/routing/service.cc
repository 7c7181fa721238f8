#include "services/routing/service.h"

#include <utility>

#include "common/base/status.h"

namespace relais::routing {
namespace {
// Longer than any permit lives.
constexpr absl::Duration kKeepRevocations = absl::Minutes(10);
}  // namespace

Service::Service(rpc::ServiceContext context, Peers peers, Settings settings, calendar::Paris paris,
                 Archive archive, std::unique_ptr<audit::TailSource> consent_log,
                 std::unique_ptr<audit::TailSource> alerting_log,
                 std::unique_ptr<audit::TailSource> vault_log)
    : context_(std::move(context)),
      peers_(Guarded(std::move(peers))),
      settings_(settings),
      paris_(paris),
      store_(context_),
      pivots_(context_, store_),
      inbox_(context_),
      revocations_(kKeepRevocations),
      courier_(context_, peers_, settings_, store_, inbox_, revocations_),
      directory_(std::move(archive)),
      referents_(context_, store_, pivots_),
      routing_(context_, peers_, settings_, paris_, store_, pivots_, courier_),
      inboxes_(context_, settings_, store_, inbox_, courier_),
      deadlines_(context_, peers_, settings_, paris_, store_, inbox_),
      notices_(context_, store_, paris_),
      own_leaves_(context_, store_, inbox_, courier_, routing_, notices_, revocations_, pivots_),
      consent_leaves_(context_, store_, courier_, notices_, revocations_, pivots_),
      alerting_leaves_("alerting", notices_),
      vault_leaves_("vault", notices_),
      own_log_(audit::LocalSource(context_.log)),
      consent_log_(std::move(consent_log)),
      alerting_log_(std::move(alerting_log)),
      vault_log_(std::move(vault_log)) {
  audit::FollowerOptions own;
  own.name = "own";
  own_follower_ = audit::Follower::Create(own, *own_log_, own_leaves_, context_.store, context_.clock,
                                          context_.random, context_.executor);
  if (consent_log_ != nullptr) {
    audit::FollowerOptions consent;
    consent.name = "consent";
    consent.lease = settings_.lease;
    consent.probe_interval = settings_.probe_interval;
    consent.rebuild = settings_.rebuild_consent;
    consent_follower_ = audit::Follower::Create(consent, *consent_log_, consent_leaves_, context_.store,
                                                context_.clock, context_.random, context_.executor);
    courier_.UseLease(consent_follower_.get());
  }
  const auto for_notices = [this](std::string name, bool rebuild, audit::TailSource& log,
                                  NoticeLeaves& leaves) {
    audit::FollowerOptions options;
    options.name = std::move(name);
    options.probe_interval = settings_.probe_interval;
    options.rebuild = rebuild;
    return audit::Follower::Create(options, log, leaves, context_.store, context_.clock, context_.random,
                                   context_.executor);
  };
  if (alerting_log_ != nullptr) {
    alerting_follower_ =
        for_notices("alerting", settings_.rebuild_alerting, *alerting_log_, alerting_leaves_);
  }
  if (vault_log_ != nullptr) {
    vault_follower_ = for_notices("vault", settings_.rebuild_vault, *vault_log_, vault_leaves_);
  }
  consent_leaves_.UseOwn(own_follower_.get());
  keeper_ = std::make_unique<Keeper>(context_, peers_, settings_, store_, inbox_, *own_follower_);
  if (context_.maintenance != nullptr) {
    context_.maintenance->UseKeeper(keeper_.get());
  }
}

absl::Status Service::Prepare() {
  if (!prepared_) {
    RETURN_IF_ERROR(inbox_.Load());
    prepared_ = true;
  }
  return absl::OkStatus();
}

absl::Status Service::Start() {
  RETURN_IF_ERROR(Prepare());
  RETURN_IF_ERROR(own_follower_->Start());
  keeper_->FollowingStarted();
  if (consent_follower_ != nullptr) {
    RETURN_IF_ERROR(consent_follower_->Start());
  }
  if (alerting_follower_ != nullptr) {
    RETURN_IF_ERROR(alerting_follower_->Start());
  }
  if (vault_follower_ != nullptr) {
    RETURN_IF_ERROR(vault_follower_->Start());
  }
  deadlines_.Start();
  return absl::OkStatus();
}

Task<bool> Service::Stop() {
  co_await deadlines_.Stop();
  if (consent_follower_ != nullptr) {
    co_await consent_follower_->Stop();
  }
  if (alerting_follower_ != nullptr) {
    co_await alerting_follower_->Stop();
  }
  if (vault_follower_ != nullptr) {
    co_await vault_follower_->Stop();
  }
  const bool stopped = co_await own_follower_->Stop();
  co_await consent_leaves_.Drain();
  co_return stopped;
}

}  // namespace relais::routing
