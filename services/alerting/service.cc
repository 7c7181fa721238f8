#include "services/alerting/service.h"

#include <utility>

#include "common/base/status.h"

namespace relais::alerting {
namespace {
constexpr size_t kPeerWindow = 64;
// An import writes leaves by the thousand, of which one in a hundred sets something going.
constexpr size_t kOwnWindow = 256;
}  // namespace

Service::Service(rpc::ServiceContext context, Peers peers, Settings settings, calendar::Paris paris,
                 std::unique_ptr<audit::TailSource> consent_log,
                 std::unique_ptr<audit::TailSource> routing_log, std::unique_ptr<audit::TailSource> vault_log,
                 std::function<absl::Status()> takes_rows)
    : context_(std::move(context)),
      peers_(std::move(peers)),
      settings_(settings),
      paris_(paris),
      store_(context_),
      intake_(context_, store_, paris_, settings_.rules),
      signals_(context_, store_, intake_),
      alerts_(context_, peers_, settings_, store_),
      sending_(context_, peers_, settings_, paris_, store_, std::move(takes_rows)),
      own_leaves_(context_, peers_, settings_, store_, sending_),
      consent_leaves_(context_, store_),
      routing_leaves_(context_, store_),
      vault_leaves_(context_, paris_, store_),
      own_log_(audit::LocalSource(context_.log)),
      consent_log_(std::move(consent_log)),
      routing_log_(std::move(routing_log)),
      vault_log_(std::move(vault_log)) {
  const auto follow = [this](std::string name, absl::Duration lease, audit::TailSource& source,
                             audit::LeafHandler& handler, size_t window = kPeerWindow) {
    audit::FollowerOptions options;
    options.name = std::move(name);
    options.window = window;
    options.lease = lease;
    options.rebuild = settings_.rebuild.contains(options.name);
    options.probe_interval = settings_.probe_interval;
    return audit::Follower::Create(options, source, handler, context_.store, context_.clock, context_.random,
                                   context_.executor);
  };
  own_follower_ = follow("own", absl::ZeroDuration(), *own_log_, own_leaves_, kOwnWindow);
  keeper_ = std::make_unique<Keeper>(context_, peers_, settings_, store_, *own_follower_);
  if (context_.maintenance != nullptr) {
    context_.maintenance->UseKeeper(keeper_.get());
  }
  if (consent_log_ != nullptr) {
    consent_follower_ = follow("consent", settings_.lease, *consent_log_, consent_leaves_);
  }
  if (routing_log_ != nullptr) {
    routing_follower_ = follow("routing", absl::ZeroDuration(), *routing_log_, routing_leaves_);
  }
  if (vault_log_ != nullptr) {
    vault_follower_ = follow("vault", absl::ZeroDuration(), *vault_log_, vault_leaves_);
  }
}

absl::Status Service::Start() {
  RETURN_IF_ERROR(own_follower_->Start());
  keeper_->FollowingStarted();
  if (consent_follower_ != nullptr) {
    RETURN_IF_ERROR(consent_follower_->Start());
  }
  if (routing_follower_ != nullptr) {
    RETURN_IF_ERROR(routing_follower_->Start());
  }
  if (vault_follower_ != nullptr) {
    RETURN_IF_ERROR(vault_follower_->Start());
  }
  return absl::OkStatus();
}

Task<bool> Service::Stop() {
  if (vault_follower_ != nullptr) {
    co_await vault_follower_->Stop();
  }
  if (routing_follower_ != nullptr) {
    co_await routing_follower_->Stop();
  }
  if (consent_follower_ != nullptr) {
    co_await consent_follower_->Stop();
  }
  const bool stopped = co_await own_follower_->Stop();
  co_return stopped;
}

}  // namespace relais::alerting
