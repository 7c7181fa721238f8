#include "services/vault/service.h"

#include <utility>

#include "common/base/status.h"
#include "services/vault/cleaning.h"
#include "services/vault/closing.h"
#include "services/vault/counting.h"
#include "services/vault/expiring_uploads.h"
#include "services/vault/followers.h"
#include "services/vault/handlers/access.h"
#include "services/vault/handlers/complete_upload.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/export_handlers.h"
#include "services/vault/handlers/host_handlers.h"
#include "services/vault/handlers/journal_handlers.h"
#include "services/vault/handlers/key_handlers.h"
#include "services/vault/handlers/metadata_handlers.h"
#include "services/vault/handlers/operation_handlers.h"
#include "services/vault/handlers/reading_handlers.h"
#include "services/vault/handlers/receipt_handlers.h"
#include "services/vault/handlers/request_handlers.h"
#include "services/vault/handlers/share_handlers.h"
#include "services/vault/handlers/upload_handlers.h"
#include "services/vault/handlers/verify_handlers.h"
#include "services/vault/host_rounds.h"
#include "services/vault/keeper.h"
#include "services/vault/open_streams.h"
#include "services/vault/pending_drops.h"
#include "services/vault/reminding.h"
#include "services/vault/restored.h"
#include "services/vault/rotation.h"
#include "services/vault/scanner.h"
#include "services/vault/scrubber.h"

namespace relais::vault {

// In the order they need one another. `vault` names parts that are made after it: none looks at another
// before it is started.
struct Service::Parts {
  Parts(const rpc::ServiceContext& given, Peers their_peers, Settings their_settings,
        calendar::Paris their_paris, std::unique_ptr<EpochKeys> their_epochs,
        std::unique_ptr<Scanner> their_scanner, std::unique_ptr<audit::TailSource> their_log)
      : context(given),
        peers(std::move(their_peers)),
        settings(std::move(their_settings)),
        paris(their_paris),
        epochs(std::move(their_epochs)),
        scanner(std::move(their_scanner)),
        store(context),
        keys(*epochs, store, context.random),
        papers(context, keys),
        writers(context.executor),
        lookahead(settings.lookahead_pieces),
        export_room(settings.export_pieces),
        counting(vault),
        vault{context, peers,     settings,    paris,     store,  keys,          papers,
              writers, lookahead, export_room, counting,  lease,  scanner.get(), access,
              streams, scrubber,  rotation,    reminding, closing},
        access(vault),
        streams(vault),
        scrubber(vault),
        rotation(vault),
        reminding(vault),
        closing(vault),
        expiring(vault),
        drops(vault),
        host_rounds(vault),
        uploads(vault),
        completing(vault),
        readings(vault),
        metadata(vault),
        journal(vault),
        shares(vault),
        requests(vault),
        hosts(vault),
        destroying(vault),
        verifying(vault),
        receipts(vault),
        operations(vault),
        key_handlers(vault),
        exports(vault),
        own_leaves(vault),
        consent_leaves(vault),
        own_log(audit::LocalSource(context.log)),
        consent_log(std::move(their_log)) {}

  const rpc::ServiceContext context;
  const Peers peers;
  const Settings settings;
  const calendar::Paris paris;
  const std::unique_ptr<EpochKeys> epochs;
  const std::unique_ptr<Scanner> scanner;
  const VaultStore store;
  PaperKeys keys;
  const Papers papers;
  UploadWriters writers;
  Lookahead lookahead;
  Lookahead export_room;
  Counting counting;
  Lease lease;
  const Vault vault;
  Access access;
  OpenStreams streams;
  Scrubber scrubber;
  Rotation rotation;
  Reminding reminding;
  Closing closing;
  ExpiringUploads expiring;
  PendingDrops drops;
  HostRounds host_rounds;
  UploadHandlers uploads;
  CompleteUploadHandlers completing;
  ReadingHandlers readings;
  MetadataHandlers metadata;
  JournalHandlers journal;
  ShareHandlers shares;
  RequestHandlers requests;
  HostHandlers hosts;
  DestroyHandlers destroying;
  VerifyHandlers verifying;
  ReceiptHandlers receipts;
  OperationHandlers operations;
  KeyHandlers key_handlers;
  ExportHandlers exports;
  OwnLeaves own_leaves;
  ConsentLeaves consent_leaves;
  std::unique_ptr<audit::TailSource> own_log;
  std::unique_ptr<audit::TailSource> consent_log;
  std::unique_ptr<audit::Follower> own_follower;
  std::unique_ptr<audit::Follower> consent_follower;
  std::unique_ptr<Keeper> keeper;
  bool prepared = false;
};

Service::Service(const rpc::ServiceContext& context, Peers peers, Settings settings, calendar::Paris paris,
                 std::unique_ptr<EpochKeys> epochs, std::unique_ptr<Scanner> scanner,
                 std::unique_ptr<audit::TailSource> consent_log)
    : parts_(std::make_unique<Parts>(context, std::move(peers), std::move(settings), paris, std::move(epochs),
                                     std::move(scanner), std::move(consent_log))) {
  Parts& p = *parts_;
  audit::FollowerOptions own;
  own.name = "own";
  p.own_follower = audit::Follower::Create(own, *p.own_log, p.own_leaves, p.context.store, p.context.clock,
                                           p.context.random, p.context.executor);
  if (p.consent_log != nullptr) {
    audit::FollowerOptions consent;
    consent.name = "consent";
    consent.lease = p.settings.lease;
    consent.probe_interval = p.settings.probe_interval;
    consent.rebuild = p.settings.rebuild_consent;
    p.consent_follower = audit::Follower::Create(consent, *p.consent_log, p.consent_leaves, p.context.store,
                                                 p.context.clock, p.context.random, p.context.executor);
    p.lease.Use(p.consent_follower.get());
  }
  p.keeper = std::make_unique<Keeper>(p.vault, *p.own_follower);
  if (p.context.maintenance != nullptr) {
    p.context.maintenance->UseKeeper(p.keeper.get());
  }
}

Service::~Service() = default;

absl::Status Service::Prepare() {
  if (!parts_->prepared) {
    RETURN_IF_ERROR(parts_->rotation.Prepare());
    parts_->prepared = true;
  }
  return absl::OkStatus();
}

Task<absl::Status> Service::EndRestored() {
  const absl::Status ended = co_await EndRestoredRights(parts_->vault);
  co_return ended;
}

absl::Status Service::Start() {
  RETURN_IF_ERROR(Prepare());
  Parts& p = *parts_;
  ASSIGN_OR_RETURN(const bool restored, RightsAreRestored(p.vault));
  if (restored) {
    return absl::FailedPreconditionError("what a restore brought back is to end before the vault serves");
  }
  RETURN_IF_ERROR(p.own_follower->Start());
  p.keeper->FollowingStarted();
  if (p.consent_follower != nullptr) {
    RETURN_IF_ERROR(p.consent_follower->Start());
  }
  p.access.Start();
  p.scrubber.Start();
  p.rotation.Start();
  p.reminding.Start();
  p.closing.Start();
  p.expiring.Start();
  p.drops.Start();
  p.host_rounds.Start();
  p.keeper->StartCopying();
  return absl::OkStatus();
}

Task<bool> Service::Stop() {
  Parts& p = *parts_;
  co_await p.streams.Stop();
  co_await p.keeper->StopCopying();
  co_await p.host_rounds.Stop();
  co_await p.drops.Stop();
  co_await p.expiring.Stop();
  co_await p.closing.Stop();
  co_await p.reminding.Stop();
  co_await p.rotation.Stop();
  co_await p.scrubber.Stop();
  co_await p.access.Stop();
  if (p.consent_follower != nullptr) {
    co_await p.consent_follower->Stop();
  }
  co_await p.consent_leaves.Drain();
  const bool stopped = co_await p.own_follower->Stop();
  co_return stopped;
}

UploadHandlers& Service::uploads() { return parts_->uploads; }
CompleteUploadHandlers& Service::completing() { return parts_->completing; }
ReadingHandlers& Service::readings() { return parts_->readings; }
MetadataHandlers& Service::metadata() { return parts_->metadata; }
JournalHandlers& Service::journal() { return parts_->journal; }
ShareHandlers& Service::shares() { return parts_->shares; }
RequestHandlers& Service::requests() { return parts_->requests; }
HostHandlers& Service::hosts() { return parts_->hosts; }
DestroyHandlers& Service::destroying() { return parts_->destroying; }
VerifyHandlers& Service::verifying() { return parts_->verifying; }
ReceiptHandlers& Service::receipts() { return parts_->receipts; }
OperationHandlers& Service::operations() { return parts_->operations; }
KeyHandlers& Service::keys() { return parts_->key_handlers; }
ExportHandlers& Service::exports() { return parts_->exports; }

const Vault& Service::vault() const { return parts_->vault; }
audit::Follower& Service::own_follower() { return *parts_->own_follower; }
const audit::Follower* Service::consent_follower() const { return parts_->consent_follower.get(); }

}  // namespace relais::vault
