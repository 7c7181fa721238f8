#include "services/vault/rpc.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "common/rpc/client.h"
#include "common/rpc/opened_table.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "relais/vault/v1/export_service.grpc.pb.h"
#include "relais/vault/v1/host_service.grpc.pb.h"
#include "relais/vault/v1/key_service.grpc.pb.h"
#include "relais/vault/v1/operation_service.grpc.pb.h"
#include "relais/vault/v1/share_service.grpc.pb.h"
#include "services/vault/clamd.h"
#include "services/vault/events.h"
#include "services/vault/handlers/attempts.h"
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
#include "services/vault/service.h"

namespace relais::vault {
namespace {

class DocumentRpc final : public v1::DocumentService::CallbackService {
 public:
  DocumentRpc(rpc::Dispatcher& dispatcher, vault::Service& service)
      : uploads_(dispatcher, v1::DocumentService::service_full_name(), service.uploads()),
        completing_(dispatcher, v1::DocumentService::service_full_name(), service.completing()),
        readings_(dispatcher, v1::DocumentService::service_full_name(), service.readings()),
        metadata_(dispatcher, v1::DocumentService::service_full_name(), service.metadata()),
        verifying_(dispatcher, v1::DocumentService::service_full_name(), service.verifying()),
        destroying_(dispatcher, v1::DocumentService::service_full_name(), service.destroying()),
        receipts_(dispatcher, v1::DocumentService::service_full_name(), service.receipts()),
        journal_(dispatcher, v1::DocumentService::service_full_name(), service.journal()) {}
  grpc::ServerUnaryReactor* BeginUpload(grpc::CallbackServerContext* c, const v1::BeginUploadRequest* q,
                                        v1::BeginUploadResponse* s) override {
    return uploads_.Unary(c, q, s, "BeginUpload", &UploadHandlers::BeginUpload);
  }
  grpc::ServerUnaryReactor* UploadPiece(grpc::CallbackServerContext* c, const v1::UploadPieceRequest* q,
                                        v1::UploadPieceResponse* s) override {
    return uploads_.Unary(c, q, s, "UploadPiece", &UploadHandlers::UploadPiece);
  }
  grpc::ServerUnaryReactor* QueryUpload(grpc::CallbackServerContext* c, const v1::QueryUploadRequest* q,
                                        v1::QueryUploadResponse* s) override {
    return uploads_.Unary(c, q, s, "QueryUpload", &UploadHandlers::QueryUpload);
  }
  grpc::ServerUnaryReactor* AbandonUpload(grpc::CallbackServerContext* c, const v1::AbandonUploadRequest* q,
                                          v1::AbandonUploadResponse* s) override {
    return uploads_.Unary(c, q, s, "AbandonUpload", &UploadHandlers::AbandonUpload);
  }
  grpc::ServerUnaryReactor* CompleteUpload(grpc::CallbackServerContext* c, const v1::CompleteUploadRequest* q,
                                           v1::CompleteUploadResponse* s) override {
    return completing_.Unary(c, q, s, "CompleteUpload", &CompleteUploadHandlers::CompleteUpload);
  }
  grpc::ServerUnaryReactor* ReadRange(grpc::CallbackServerContext* c, const v1::ReadRangeRequest* q,
                                      v1::ReadRangeResponse* s) override {
    return readings_.Unary(c, q, s, "ReadRange", &ReadingHandlers::ReadRange);
  }
  grpc::ServerUnaryReactor* GetMetadata(grpc::CallbackServerContext* c, const v1::GetMetadataRequest* q,
                                        v1::GetMetadataResponse* s) override {
    return metadata_.Unary(c, q, s, "GetMetadata", &MetadataHandlers::GetMetadata);
  }
  grpc::ServerUnaryReactor* UpdateMetadata(grpc::CallbackServerContext* c, const v1::UpdateMetadataRequest* q,
                                           v1::UpdateMetadataResponse* s) override {
    return metadata_.Unary(c, q, s, "UpdateMetadata", &MetadataHandlers::UpdateMetadata);
  }
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* c, const v1::ListRequest* q,
                                 v1::ListResponse* s) override {
    return metadata_.Unary(c, q, s, "List", &MetadataHandlers::List);
  }
  grpc::ServerUnaryReactor* Count(grpc::CallbackServerContext* c, const v1::CountRequest* q,
                                  v1::CountResponse* s) override {
    return metadata_.Unary(c, q, s, "Count", &MetadataHandlers::Count);
  }
  grpc::ServerUnaryReactor* Verify(grpc::CallbackServerContext* c, const v1::VerifyRequest* q,
                                   v1::VerifyResponse* s) override {
    return verifying_.Unary(c, q, s, "Verify", &VerifyHandlers::Verify);
  }
  grpc::ServerUnaryReactor* Destroy(grpc::CallbackServerContext* c, const v1::DestroyRequest* q,
                                    v1::DestroyResponse* s) override {
    return destroying_.Unary(c, q, s, "Destroy", &DestroyHandlers::Destroy);
  }
  grpc::ServerUnaryReactor* GetReceipt(grpc::CallbackServerContext* c, const v1::GetReceiptRequest* q,
                                       v1::GetReceiptResponse* s) override {
    return receipts_.Unary(c, q, s, "GetReceipt", &ReceiptHandlers::GetReceipt);
  }
  grpc::ServerUnaryReactor* ReadJournal(grpc::CallbackServerContext* c, const v1::ReadJournalRequest* q,
                                        v1::ReadJournalResponse* s) override {
    return journal_.Unary(c, q, s, "ReadJournal", &JournalHandlers::ReadJournal);
  }
  grpc::ServerReadReactor<v1::UploadRequest>* Upload(grpc::CallbackServerContext* c,
                                                     v1::UploadResponse* s) override {
    return uploads_.ClientStream(c, s, "Upload", &UploadHandlers::Upload);
  }
  grpc::ServerWriteReactor<v1::DownloadResponse>* Download(grpc::CallbackServerContext* c,
                                                           const v1::DownloadRequest* q) override {
    return readings_.ServerStream(c, q, "Download", &ReadingHandlers::Download);
  }

 private:
  rpc::Binding<UploadHandlers> uploads_;
  rpc::Binding<CompleteUploadHandlers> completing_;
  rpc::Binding<ReadingHandlers> readings_;
  rpc::Binding<MetadataHandlers> metadata_;
  rpc::Binding<VerifyHandlers> verifying_;
  rpc::Binding<DestroyHandlers> destroying_;
  rpc::Binding<ReceiptHandlers> receipts_;
  rpc::Binding<JournalHandlers> journal_;
};

class ShareRpc final : public v1::ShareService::CallbackService {
 public:
  ShareRpc(rpc::Dispatcher& dispatcher, vault::Service& service)
      : shares_(dispatcher, v1::ShareService::service_full_name(), service.shares()),
        requests_(dispatcher, v1::ShareService::service_full_name(), service.requests()) {}
  grpc::ServerUnaryReactor* Share(grpc::CallbackServerContext* c, const v1::ShareRequest* q,
                                  v1::ShareResponse* s) override {
    return shares_.Unary(c, q, s, "Share", &ShareHandlers::Share);
  }
  grpc::ServerUnaryReactor* Revoke(grpc::CallbackServerContext* c, const v1::RevokeRequest* q,
                                   v1::RevokeResponse* s) override {
    return shares_.Unary(c, q, s, "Revoke", &ShareHandlers::Revoke);
  }
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* c, const v1::ShareServiceListRequest* q,
                                 v1::ShareServiceListResponse* s) override {
    return shares_.Unary(c, q, s, "List", &ShareHandlers::List);
  }
  grpc::ServerUnaryReactor* RequestDocument(grpc::CallbackServerContext* c,
                                            const v1::RequestDocumentRequest* q,
                                            v1::RequestDocumentResponse* s) override {
    return requests_.Unary(c, q, s, "RequestDocument", &RequestHandlers::RequestDocument);
  }
  grpc::ServerUnaryReactor* DecideRequest(grpc::CallbackServerContext* c, const v1::DecideRequestRequest* q,
                                          v1::DecideRequestResponse* s) override {
    return requests_.Unary(c, q, s, "DecideRequest", &RequestHandlers::DecideRequest);
  }
  grpc::ServerUnaryReactor* ListRequests(grpc::CallbackServerContext* c, const v1::ListRequestsRequest* q,
                                         v1::ListRequestsResponse* s) override {
    return requests_.Unary(c, q, s, "ListRequests", &RequestHandlers::ListRequests);
  }

 private:
  rpc::Binding<ShareHandlers> shares_;
  rpc::Binding<RequestHandlers> requests_;
};

class HostRpc final : public v1::HostService::CallbackService {
 public:
  HostRpc(rpc::Dispatcher& dispatcher, vault::Service& service)
      : bind_(dispatcher, v1::HostService::service_full_name(), service.hosts()) {}
  grpc::ServerUnaryReactor* LinkHost(grpc::CallbackServerContext* c, const v1::LinkHostRequest* q,
                                     v1::LinkHostResponse* s) override {
    return bind_.Unary(c, q, s, "LinkHost", &HostHandlers::LinkHost);
  }
  grpc::ServerUnaryReactor* UnlinkHost(grpc::CallbackServerContext* c, const v1::UnlinkHostRequest* q,
                                       v1::UnlinkHostResponse* s) override {
    return bind_.Unary(c, q, s, "UnlinkHost", &HostHandlers::UnlinkHost);
  }
  grpc::ServerUnaryReactor* ListHosts(grpc::CallbackServerContext* c, const v1::ListHostsRequest* q,
                                      v1::ListHostsResponse* s) override {
    return bind_.Unary(c, q, s, "ListHosts", &HostHandlers::ListHosts);
  }

 private:
  rpc::Binding<HostHandlers> bind_;
};

class KeyRpc final : public v1::KeyService::CallbackService {
 public:
  KeyRpc(rpc::Dispatcher& dispatcher, vault::Service& service)
      : bind_(dispatcher, v1::KeyService::service_full_name(), service.keys()) {}
  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* c, const v1::StatusRequest* q,
                                   v1::StatusResponse* s) override {
    return bind_.Unary(c, q, s, "Status", &KeyHandlers::Status);
  }
  grpc::ServerUnaryReactor* Rotate(grpc::CallbackServerContext* c, const v1::RotateRequest* q,
                                   v1::RotateResponse* s) override {
    return bind_.Unary(c, q, s, "Rotate", &KeyHandlers::Rotate);
  }

 private:
  rpc::Binding<KeyHandlers> bind_;
};

class OperationRpc final : public v1::OperationService::CallbackService {
 public:
  OperationRpc(rpc::Dispatcher& dispatcher, vault::Service& service)
      : bind_(dispatcher, v1::OperationService::service_full_name(), service.operations()) {}
  grpc::ServerUnaryReactor* StartScrub(grpc::CallbackServerContext* c, const v1::StartScrubRequest* q,
                                       v1::StartScrubResponse* s) override {
    return bind_.Unary(c, q, s, "StartScrub", &OperationHandlers::StartScrub);
  }
  grpc::ServerUnaryReactor* GetScrub(grpc::CallbackServerContext* c, const v1::GetScrubRequest* q,
                                     v1::GetScrubResponse* s) override {
    return bind_.Unary(c, q, s, "GetScrub", &OperationHandlers::GetScrub);
  }
  grpc::ServerUnaryReactor* AnnounceClosure(grpc::CallbackServerContext* c,
                                            const v1::AnnounceClosureRequest* q,
                                            v1::AnnounceClosureResponse* s) override {
    return bind_.Unary(c, q, s, "AnnounceClosure", &OperationHandlers::AnnounceClosure);
  }
  grpc::ServerUnaryReactor* GetClosure(grpc::CallbackServerContext* c, const v1::GetClosureRequest* q,
                                       v1::GetClosureResponse* s) override {
    return bind_.Unary(c, q, s, "GetClosure", &OperationHandlers::GetClosure);
  }

 private:
  rpc::Binding<OperationHandlers> bind_;
};

class ExportRpc final : public v1::ExportService::CallbackService {
 public:
  ExportRpc(rpc::Dispatcher& dispatcher, vault::Service& service)
      : bind_(dispatcher, v1::ExportService::service_full_name(), service.exports()) {}
  grpc::ServerWriteReactor<v1::ExportResponse>* Export(grpc::CallbackServerContext* c,
                                                       const v1::ExportRequest* q) override {
    return bind_.ServerStream(c, q, "Export", &ExportHandlers::Export);
  }

 private:
  rpc::Binding<ExportHandlers> bind_;
};

absl::StatusOr<Peers> ConnectPeers(rpc::ServiceRuntime& runtime) {
  ASSIGN_OR_RETURN(const auto channel, runtime.Channel("consent"));
  const rpc::ServiceClient<consent::v1::ConsentService> consent(channel, runtime.context().executor);
  Peers peers;
  peers.check = consent.Method(&consent::v1::ConsentService::Stub::async::Check);
  const rpc::ServiceClient<consent::v1::PersonService> persons(channel, runtime.context().executor);
  peers.acknowledge_erasure = persons.Method(&consent::v1::PersonService::Stub::async::AcknowledgeErasure);
  return peers;
}

uint64_t Bytes(Config& config, const std::string& key, uint64_t fallback) {
  return static_cast<uint64_t>(config.Int(key, static_cast<int64_t>(fallback), 0, int64_t{1} << 50));
}

uint32_t Number(Config& config, const std::string& key, uint32_t fallback) {
  return static_cast<uint32_t>(config.Int(key, fallback, 1, 1'000'000));
}

void ReadLimits(Config& config, Settings& settings) {
  Limits& limits = settings.limits;
  limits.document_bytes =
      std::min(Bytes(config, "limits.document_bytes", limits.document_bytes), kMaxTextSize);
  limits.person_bytes = Bytes(config, "limits.person_bytes", limits.person_bytes);
  limits.person_documents = Number(config, "limits.person_documents", limits.person_documents);
  limits.person_open_uploads = Number(config, "limits.person_open_uploads", limits.person_open_uploads);
  limits.institution_bytes = Bytes(config, "limits.institution_bytes", limits.institution_bytes);
  settings.uploads.idle = config.Duration("uploads.idle", settings.uploads.idle);
  settings.uploads.longest = config.Duration("uploads.longest", settings.uploads.longest);
  settings.uploads.versions_per_document =
      Number(config, "limits.versions_per_document", settings.uploads.versions_per_document);
}

}  // namespace

Settings ReadSettings(Config& config) {
  Settings settings;
  ReadLimits(config, settings);
  settings.closure.notice_months =
      static_cast<int>(config.Int("closure.notice_months", settings.closure.notice_months, 3, 1200));
  settings.closure.retrieval_months =
      static_cast<int>(config.Int("closure.retrieval_months", settings.closure.retrieval_months, 12, 1200));
  settings.scan.clamd = config.String("scan.clamd", settings.scan.clamd);
  settings.scan.required = config.Bool("scan.required", settings.scan.required);
  settings.scan.timeout = config.Duration("scan.timeout", settings.scan.timeout);
  settings.probe_interval = config.Duration("lease.probe_interval", settings.probe_interval);
  settings.peer_timeout = config.Duration("peer_timeout", settings.peer_timeout);
  settings.expiry_scan = config.Duration("uploads.scan", settings.expiry_scan);
  settings.reminder_scan = config.Duration("reminders.scan", settings.reminder_scan);
  settings.scrub_every = config.Duration("scrub.every", settings.scrub_every);
  settings.scrub_bytes_per_second = Bytes(config, "scrub.bytes_per_second", settings.scrub_bytes_per_second);
  settings.epoch_length = config.Duration("keys.epoch_length", settings.epoch_length);
  return settings;
}

rpc::OpenedTable OpenedToPeers() { return rpc::OpenTo({"consent", "routing", "alerting"}, MayOpen); }

absl::StatusOr<std::unique_ptr<rpc::BoundService>> Bind(rpc::ServiceRuntime& runtime, const Settings& given) {
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  Settings settings = given;
  Peers peers;
  std::unique_ptr<audit::TailSource> consent_log;
  if (runtime.HasPeer("consent")) {
    ASSIGN_OR_RETURN(peers, ConnectPeers(runtime));
    ASSIGN_OR_RETURN(consent_log, runtime.Tail("consent"));
  }
  settings.lease = runtime.settings().lease;
  settings.rebuild_consent = runtime.Rebuilds("consent");
  std::unique_ptr<Scanner> scanner;
  if (!settings.scan.clamd.empty()) {
    ASSIGN_OR_RETURN(scanner, MakeClamd(settings.scan, runtime.context().executor));
  }
  auto epochs = std::make_unique<RingEpochKeys>(runtime.own_ring(), runtime.context().random);
  auto service = std::make_shared<Service>(runtime.context(), std::move(peers), settings, paris,
                                           std::move(epochs), std::move(scanner), std::move(consent_log));
  RETURN_IF_ERROR(service->Prepare());
  auto bound = std::make_unique<rpc::BoundService>();
  rpc::Dispatcher& dispatcher = runtime.dispatcher();
  const Vault& vault = service->vault();
  dispatcher.SetRefusedAbout(
      [&vault](const rpc::Call& call, const google::protobuf::Message& request, const absl::Status& why) {
        return NoteRefusedCall(vault, call, request, why);
      });
  bound->services.push_back(std::make_unique<DocumentRpc>(dispatcher, *service));
  bound->services.push_back(std::make_unique<ShareRpc>(dispatcher, *service));
  bound->services.push_back(std::make_unique<HostRpc>(dispatcher, *service));
  bound->services.push_back(std::make_unique<ExportRpc>(dispatcher, *service));
  bound->services.push_back(std::make_unique<KeyRpc>(dispatcher, *service));
  bound->services.push_back(std::make_unique<OperationRpc>(dispatcher, *service));
  runtime.Show(*bound, "consent", service->consent_follower(), rpc::Lease::kWanted);
  bound->start = [service]() -> absl::Status {
    RETURN_IF_ERROR(BlockOn(service->EndRestored()));
    return service->Start();
  };
  bound->stop = [service] { BlockOn(service->Stop()); };
  bound->owned = std::move(service);
  return bound;
}

}  // namespace relais::vault
