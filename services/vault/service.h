// The vault, wired: everything but its transport. Parts are in vault.h.
#pragma once

#include <memory>

#include "common/audit/follower.h"
#include "common/calendar/paris.h"
#include "common/rpc/service_context.h"
#include "services/vault/peers.h"
#include "services/vault/settings.h"
#include "services/vault/vault.h"

namespace relais::vault {

class UploadHandlers;  // handlers/upload_handlers.h: BeginUpload Upload UploadPiece QueryUpload AbandonUpload
class CompleteUploadHandlers;  // handlers/complete_upload.h: CompleteUpload
class ReadingHandlers;         // handlers/reading_handlers.h: Download ReadRange
class MetadataHandlers;        // handlers/metadata_handlers.h: GetMetadata UpdateMetadata List Count
class JournalHandlers;         // handlers/journal_handlers.h: ReadJournal
class ReceiptHandlers;         // handlers/receipt_handlers.h: GetReceipt
class ShareHandlers;           // handlers/share_handlers.h: Share Revoke List
class RequestHandlers;         // handlers/request_handlers.h: RequestDocument DecideRequest ListRequests
class HostHandlers;            // handlers/host_handlers.h: LinkHost UnlinkHost ListHosts
class DestroyHandlers;         // handlers/destroy_handlers.h: Destroy
class VerifyHandlers;          // handlers/verify_handlers.h: Verify
class OperationHandlers;  // handlers/operation_handlers.h: StartScrub GetScrub AnnounceClosure GetClosure
class KeyHandlers;        // handlers/key_handlers.h: Status Rotate
class ExportHandlers;     // handlers/export_handlers.h: Export

/// Life: Create → Prepare → EndRestored → Start → serve → Stop (resumes when nothing is in flight) → destroy.
class Service {
 public:
  /// `epochs`: the level above persons' keys. `consent_log`: the consent registry's; nullptr: configured
  /// absent, then nothing is ever shown to others. `scanner`: nullptr: none.
  Service(const rpc::ServiceContext& context, Peers peers, Settings settings, calendar::Paris paris,
          std::unique_ptr<EpochKeys> epochs, std::unique_ptr<Scanner> scanner,
          std::unique_ptr<audit::TailSource> consent_log);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Before Start, which calls it else: sees that the keys of papers are there.
  absl::Status Prepare();
  /// Before Start: nothing that a restore brought back acts or reads (restored.h). Needs nobody to be served.
  Task<absl::Status> EndRestored();
  /// FAILED_PRECONDITION where EndRestored has not come to its end.
  absl::Status Start();
  Task<bool> Stop();

  UploadHandlers& uploads();
  CompleteUploadHandlers& completing();
  ReadingHandlers& readings();
  MetadataHandlers& metadata();
  JournalHandlers& journal();
  ShareHandlers& shares();
  RequestHandlers& requests();
  HostHandlers& hosts();
  DestroyHandlers& destroying();
  VerifyHandlers& verifying();
  ReceiptHandlers& receipts();
  OperationHandlers& operations();
  KeyHandlers& keys();
  ExportHandlers& exports();

  /// The parts, for tests and gauges.
  const Vault& vault() const;
  audit::Follower& own_follower();
  /// nullptr: configured absent.
  const audit::Follower* consent_follower() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace relais::vault
