#include "services/routing/rpc.h"

#include <utility>

#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "common/rpc/client.h"
#include "common/rpc/opened_table.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/routing/v1/directory_service.grpc.pb.h"
#include "relais/routing/v1/inbox_service.grpc.pb.h"
#include "relais/routing/v1/referent_service.grpc.pb.h"
#include "relais/routing/v1/routing_service.grpc.pb.h"
#include "services/routing/followers.h"
#include "services/routing/service.h"

namespace relais::routing {
namespace {

class DirectoryRpc final : public v1::DirectoryService::CallbackService {
 public:
  DirectoryRpc(rpc::Dispatcher& dispatcher, DirectoryHandlers& handlers)
      : bind_(dispatcher, v1::DirectoryService::service_full_name(), handlers) {}
  grpc::ServerUnaryReactor* ListInstitutions(grpc::CallbackServerContext* c,
                                             const v1::ListInstitutionsRequest* q,
                                             v1::ListInstitutionsResponse* s) override {
    return bind_.Unary(c, q, s, "ListInstitutions", &DirectoryHandlers::ListInstitutions);
  }
  grpc::ServerUnaryReactor* GetInstitution(grpc::CallbackServerContext* c, const v1::GetInstitutionRequest* q,
                                           v1::GetInstitutionResponse* s) override {
    return bind_.Unary(c, q, s, "GetInstitution", &DirectoryHandlers::GetInstitution);
  }
  grpc::ServerUnaryReactor* FindDesk(grpc::CallbackServerContext* c, const v1::FindDeskRequest* q,
                                     v1::FindDeskResponse* s) override {
    return bind_.Unary(c, q, s, "FindDesk", &DirectoryHandlers::FindDesk);
  }
  grpc::ServerUnaryReactor* GetVersion(grpc::CallbackServerContext* c, const v1::GetVersionRequest* q,
                                       v1::GetVersionResponse* s) override {
    return bind_.Unary(c, q, s, "GetVersion", &DirectoryHandlers::GetVersion);
  }
  grpc::ServerUnaryReactor* GetCodeLists(grpc::CallbackServerContext* c, const v1::GetCodeListsRequest* q,
                                         v1::GetCodeListsResponse* s) override {
    return bind_.Unary(c, q, s, "GetCodeLists", &DirectoryHandlers::GetCodeLists);
  }

 private:
  rpc::Binding<DirectoryHandlers> bind_;
};

class ReferentRpc final : public v1::ReferentService::CallbackService {
 public:
  ReferentRpc(rpc::Dispatcher& dispatcher, ReferentHandlers& handlers)
      : bind_(dispatcher, v1::ReferentService::service_full_name(), handlers) {}
  grpc::ServerUnaryReactor* Propose(grpc::CallbackServerContext* c, const v1::ProposeRequest* q,
                                    v1::ProposeResponse* s) override {
    return bind_.Unary(c, q, s, "Propose", &ReferentHandlers::Propose);
  }
  grpc::ServerUnaryReactor* RecordPersonDecision(grpc::CallbackServerContext* c,
                                                 const v1::RecordPersonDecisionRequest* q,
                                                 v1::RecordPersonDecisionResponse* s) override {
    return bind_.Unary(c, q, s, "RecordPersonDecision", &ReferentHandlers::RecordPersonDecision);
  }
  grpc::ServerUnaryReactor* Accept(grpc::CallbackServerContext* c, const v1::AcceptRequest* q,
                                   v1::AcceptResponse* s) override {
    return bind_.Unary(c, q, s, "Accept", &ReferentHandlers::Accept);
  }
  grpc::ServerUnaryReactor* Decline(grpc::CallbackServerContext* c, const v1::DeclineRequest* q,
                                    v1::DeclineResponse* s) override {
    return bind_.Unary(c, q, s, "Decline", &ReferentHandlers::Decline);
  }
  grpc::ServerUnaryReactor* End(grpc::CallbackServerContext* c, const v1::EndRequest* q,
                                v1::EndResponse* s) override {
    return bind_.Unary(c, q, s, "End", &ReferentHandlers::End);
  }
  grpc::ServerUnaryReactor* GetReferent(grpc::CallbackServerContext* c, const v1::GetReferentRequest* q,
                                        v1::GetReferentResponse* s) override {
    return bind_.Unary(c, q, s, "GetReferent", &ReferentHandlers::GetReferent);
  }

 private:
  rpc::Binding<ReferentHandlers> bind_;
};

class RoutingRpc final : public v1::RoutingService::CallbackService {
 public:
  RoutingRpc(rpc::Dispatcher& dispatcher, RoutingHandlers& handlers)
      : bind_(dispatcher, v1::RoutingService::service_full_name(), handlers) {}
  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* c, const v1::ResolveRequest* q,
                                    v1::ResolveResponse* s) override {
    return bind_.Unary(c, q, s, "Resolve", &RoutingHandlers::Resolve);
  }
  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* c, const v1::SubmitRequest* q,
                                   v1::SubmitResponse* s) override {
    return bind_.Unary(c, q, s, "Submit", &RoutingHandlers::Submit);
  }
  grpc::ServerUnaryReactor* PullBack(grpc::CallbackServerContext* c, const v1::PullBackRequest* q,
                                     v1::PullBackResponse* s) override {
    return bind_.Unary(c, q, s, "PullBack", &RoutingHandlers::PullBack);
  }

 private:
  rpc::Binding<RoutingHandlers> bind_;
};

class InboxRpc final : public v1::InboxService::CallbackService {
 public:
  InboxRpc(rpc::Dispatcher& dispatcher, InboxHandlers& handlers)
      : bind_(dispatcher, v1::InboxService::service_full_name(), handlers) {}
  grpc::ServerUnaryReactor* Pull(grpc::CallbackServerContext* c, const v1::PullRequest* q,
                                 v1::PullResponse* s) override {
    return bind_.Unary(c, q, s, "Pull", &InboxHandlers::Pull);
  }
  grpc::ServerUnaryReactor* Ack(grpc::CallbackServerContext* c, const v1::AckRequest* q,
                                v1::AckResponse* s) override {
    return bind_.Unary(c, q, s, "Ack", &InboxHandlers::Ack);
  }
  grpc::ServerUnaryReactor* Nack(grpc::CallbackServerContext* c, const v1::NackRequest* q,
                                 v1::NackResponse* s) override {
    return bind_.Unary(c, q, s, "Nack", &InboxHandlers::Nack);
  }
  grpc::ServerUnaryReactor* Take(grpc::CallbackServerContext* c, const v1::TakeRequest* q,
                                 v1::TakeResponse* s) override {
    return bind_.Unary(c, q, s, "Take", &InboxHandlers::Take);
  }
  grpc::ServerUnaryReactor* ListByDesk(grpc::CallbackServerContext* c, const v1::ListByDeskRequest* q,
                                       v1::ListByDeskResponse* s) override {
    return bind_.Unary(c, q, s, "ListByDesk", &InboxHandlers::ListByDesk);
  }
  grpc::ServerBidiReactor<v1::SubscribeRequest, v1::SubscribeResponse>* Subscribe(
      grpc::CallbackServerContext* c) override {
    return bind_.Bidi(c, "Subscribe", &InboxHandlers::Subscribe);
  }

 private:
  rpc::Binding<InboxHandlers> bind_;
};

// Configured without consent: nothing can be decided, so nothing leaves.
Task<absl::StatusOr<consent::v1::CheckResponse>> NobodyToAsk(consent::v1::CheckRequest /*request*/,
                                                             absl::Duration /*timeout*/) {
  co_return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_UNAVAILABLE,
                         "this service is configured without a consent registry");
}

absl::StatusOr<Peers> ConnectPeers(rpc::ServiceRuntime& runtime) {
  ASSIGN_OR_RETURN(const auto channel, runtime.Channel("consent"));
  const rpc::ServiceClient<consent::v1::ConsentService> consent(channel, runtime.context().executor);
  Peers peers;
  peers.check = consent.Method(&consent::v1::ConsentService::Stub::async::Check);
  const rpc::ServiceClient<consent::v1::PersonService> persons(channel, runtime.context().executor);
  peers.acknowledge_erasure = persons.Method(&consent::v1::PersonService::Stub::async::AcknowledgeErasure);
  return peers;
}

Archive ArchiveOf(rpc::ServiceRuntime& runtime) {
  return [&runtime](uint64_t version) -> absl::StatusOr<SignedVersion> {
    ASSIGN_OR_RETURN(auto archived, runtime.directory_source().Archived(version));
    return SignedVersion{version, std::move(archived.yaml), std::move(archived.signature)};
  };
}

}  // namespace

Settings ReadSettings(Config& config) {
  Settings settings;
  settings.delivery.visible = config.Duration("delivery.visible", settings.delivery.visible);
  settings.delivery.longest_delay =
      config.Duration("delivery.longest_delay", settings.delivery.longest_delay);
  settings.delivery.max_attempts =
      static_cast<uint32_t>(config.Int("delivery.max_attempts", settings.delivery.max_attempts, 1, 1000));
  settings.probe_interval = config.Duration("lease.probe_interval", settings.probe_interval);
  settings.overdue_scan = config.Duration("deadlines.scan", settings.overdue_scan);
  settings.peer_timeout = config.Duration("peer_timeout", settings.peer_timeout);
  settings.notice_months = config.Months("retention.notice_months", settings.notice_months);
  return settings;
}

rpc::OpenedTable OpenedToPeers() { return rpc::OpenTo({"consent", "alerting", "vault"}, MayOpen); }

absl::StatusOr<std::unique_ptr<rpc::BoundService>> Bind(rpc::ServiceRuntime& runtime, Settings settings) {
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  Peers peers{.check = NobodyToAsk};
  std::unique_ptr<audit::TailSource> consent_log;
  std::unique_ptr<audit::TailSource> alerting_log;
  if (runtime.HasPeer("consent")) {
    ASSIGN_OR_RETURN(peers, ConnectPeers(runtime));
    ASSIGN_OR_RETURN(consent_log, runtime.Tail("consent"));
  }
  if (runtime.HasPeer("alerting")) {
    ASSIGN_OR_RETURN(alerting_log, runtime.Tail("alerting"));
  }
  std::unique_ptr<audit::TailSource> vault_log;
  if (runtime.HasPeer("vault")) {
    ASSIGN_OR_RETURN(vault_log, runtime.Tail("vault"));
  }
  settings.lease = runtime.settings().lease;
  settings.rebuild_consent = runtime.Rebuilds("consent");
  settings.rebuild_alerting = runtime.Rebuilds("alerting");
  settings.rebuild_vault = runtime.Rebuilds("vault");
  auto service =
      std::make_shared<Service>(runtime.context(), std::move(peers), settings, paris, ArchiveOf(runtime),
                                std::move(consent_log), std::move(alerting_log), std::move(vault_log));
  RETURN_IF_ERROR(service->Prepare());
  auto bound = std::make_unique<rpc::BoundService>();
  rpc::Dispatcher& dispatcher = runtime.dispatcher();
  bound->services.push_back(std::make_unique<DirectoryRpc>(dispatcher, service->directory()));
  bound->services.push_back(std::make_unique<ReferentRpc>(dispatcher, service->referents()));
  bound->services.push_back(std::make_unique<RoutingRpc>(dispatcher, service->routing()));
  bound->services.push_back(std::make_unique<InboxRpc>(dispatcher, service->inboxes()));
  runtime.Show(*bound, "consent", service->consent_follower(), rpc::Lease::kWanted);
  runtime.Show(*bound, "alerting", service->alerting_follower(), rpc::Lease::kNone);
  runtime.Show(*bound, "vault", service->vault_follower(), rpc::Lease::kNone);
  bound->start = [service] { return service->Start(); };
  bound->stop = [service] { BlockOn(service->Stop()); };
  bound->owned = std::move(service);
  return bound;
}

}  // namespace relais::routing
