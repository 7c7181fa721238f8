#include "services/alerting/rpc.h"

#include <utility>

#include "common/base/status.h"
#include "common/calendar/paris.h"
#include "common/rpc/client.h"
#include "relais/alerting/v1/alert_service.grpc.pb.h"
#include "relais/alerting/v1/signal_service.grpc.pb.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "relais/consent/v1/emergency_service.grpc.pb.h"
#include "relais/consent/v1/person_service.grpc.pb.h"
#include "relais/routing/v1/inbox_service.grpc.pb.h"
#include "relais/routing/v1/routing_service.grpc.pb.h"
#include "services/alerting/retention_settings.h"
#include "services/alerting/service.h"

namespace relais::alerting {
namespace {

class SignalRpc final : public v1::SignalService::CallbackService {
 public:
  SignalRpc(rpc::Dispatcher& dispatcher, SignalHandlers& handlers)
      : bind_(dispatcher, v1::SignalService::service_full_name(), handlers) {}
  grpc::ServerUnaryReactor* SubmitRows(grpc::CallbackServerContext* c, const v1::SubmitRowsRequest* q,
                                       v1::SubmitRowsResponse* s) override {
    return bind_.Unary(c, q, s, "SubmitRows", &SignalHandlers::SubmitRows);
  }
  grpc::ServerUnaryReactor* ListDeliveries(grpc::CallbackServerContext* c, const v1::ListDeliveriesRequest* q,
                                           v1::ListDeliveriesResponse* s) override {
    return bind_.Unary(c, q, s, "ListDeliveries", &SignalHandlers::ListDeliveries);
  }
  grpc::ServerBidiReactor<v1::SubmitStreamRequest, v1::SubmitStreamResponse>* SubmitStream(
      grpc::CallbackServerContext* c) override {
    return bind_.Bidi(c, "SubmitStream", &SignalHandlers::SubmitStream);
  }

 private:
  rpc::Binding<SignalHandlers> bind_;
};

class AlertRpc final : public v1::AlertService::CallbackService {
 public:
  AlertRpc(rpc::Dispatcher& dispatcher, AlertHandlers& handlers)
      : bind_(dispatcher, v1::AlertService::service_full_name(), handlers) {}
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* c, const v1::GetRequest* q,
                                v1::GetResponse* s) override {
    return bind_.Unary(c, q, s, "Get", &AlertHandlers::Get);
  }
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* c, const v1::ListRequest* q,
                                 v1::ListResponse* s) override {
    return bind_.Unary(c, q, s, "List", &AlertHandlers::List);
  }
  grpc::ServerUnaryReactor* Take(grpc::CallbackServerContext* c, const v1::TakeRequest* q,
                                 v1::TakeResponse* s) override {
    return bind_.Unary(c, q, s, "Take", &AlertHandlers::Take);
  }

 private:
  rpc::Binding<AlertHandlers> bind_;
};

absl::Status ConnectConsent(rpc::ServiceRuntime& runtime, Peers& peers) {
  ASSIGN_OR_RETURN(const auto channel, runtime.Channel("consent"));
  Executor& executor = runtime.context().executor;
  const rpc::ServiceClient<consent::v1::PersonService> persons(channel, executor);
  const rpc::ServiceClient<consent::v1::ConsentService> consents(channel, executor);
  const rpc::ServiceClient<consent::v1::EmergencyService> emergencies(channel, executor);
  peers.register_person = persons.Method(&consent::v1::PersonService::Stub::async::Register);
  peers.acknowledge_erasure = persons.Method(&consent::v1::PersonService::Stub::async::AcknowledgeErasure);
  peers.record_consent = consents.Method(&consent::v1::ConsentService::Stub::async::RecordConsent);
  peers.record_objection = consents.Method(&consent::v1::ConsentService::Stub::async::RecordObjection);
  peers.declare = emergencies.Method(&consent::v1::EmergencyService::Stub::async::Declare);
  return absl::OkStatus();
}

absl::Status ConnectRouting(rpc::ServiceRuntime& runtime, Peers& peers) {
  ASSIGN_OR_RETURN(const auto channel, runtime.Channel("routing"));
  Executor& executor = runtime.context().executor;
  const rpc::ServiceClient<routing::v1::RoutingService> routings(channel, executor);
  const rpc::ServiceClient<routing::v1::InboxService> inboxes(channel, executor);
  peers.resolve = routings.Method(&routing::v1::RoutingService::Stub::async::Resolve);
  peers.submit = routings.Method(&routing::v1::RoutingService::Stub::async::Submit);
  peers.pull_back = routings.Method(&routing::v1::RoutingService::Stub::async::PullBack);
  peers.take = inboxes.Method(&routing::v1::InboxService::Stub::async::Take);
  return absl::OkStatus();
}

// A peer that is configured absent answers nothing: its methods fail as unavailable.
template <typename Request, typename Response>
void RefuseIfAbsent(rpc::PeerMethod<Request, Response>& method) {
  if (!method) {
    method = [](Request /*request*/, absl::Duration /*timeout*/) -> Task<absl::StatusOr<Response>> {
      co_return rpc::Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_PEER_UNAVAILABLE,
                             "this service is configured without that peer");
    };
  }
}

}  // namespace

Settings ReadSettings(Config& config) {
  Settings settings;
  settings.rules.dossiers = static_cast<size_t>(config.Int("rules.dossiers", 3, 1, 100));
  settings.rules.months = static_cast<int>(config.Int("rules.months", 12, 1, 60));
  settings.retention = ReadRetention(config);
  settings.probe_interval = config.Duration("lease.probe_interval", settings.probe_interval);
  settings.peer_timeout = config.Duration("peer_timeout", settings.peer_timeout);
  return settings;
}

rpc::OpenedTable OpenedToPeers() {
  rpc::OpenedTable table;
  for (const auto event_class : {audit::v1::EVENT_CLASS_ALERT_CHANGED, audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED,
                                 audit::v1::EVENT_CLASS_AGENT_SEARCHED}) {
    if (MayOpen("routing", event_class)) {
      table["routing"].insert(event_class);
    }
  }
  return table;
}

absl::StatusOr<std::unique_ptr<rpc::BoundService>> Bind(rpc::ServiceRuntime& runtime, Settings settings) {
  ASSIGN_OR_RETURN(const calendar::Paris paris, calendar::Paris::Load());
  Peers peers;
  std::unique_ptr<audit::TailSource> consent_log;
  std::unique_ptr<audit::TailSource> routing_log;
  if (runtime.HasPeer("consent")) {
    RETURN_IF_ERROR(ConnectConsent(runtime, peers));
    ASSIGN_OR_RETURN(consent_log, runtime.Tail("consent"));
  }
  if (runtime.HasPeer("routing")) {
    RETURN_IF_ERROR(ConnectRouting(runtime, peers));
    ASSIGN_OR_RETURN(routing_log, runtime.Tail("routing"));
  }
  std::unique_ptr<audit::TailSource> vault_log;
  if (runtime.HasPeer("vault")) {
    ASSIGN_OR_RETURN(vault_log, runtime.Tail("vault"));
  }
  RefuseIfAbsent(peers.register_person);
  RefuseIfAbsent(peers.record_consent);
  RefuseIfAbsent(peers.record_objection);
  RefuseIfAbsent(peers.declare);
  RefuseIfAbsent(peers.resolve);
  RefuseIfAbsent(peers.submit);
  RefuseIfAbsent(peers.take);
  settings.lease = runtime.settings().lease;
  for (const char* peer : {"consent", "routing", "vault"}) {
    if (runtime.Rebuilds(peer)) {
      settings.rebuild.insert(peer);
    }
  }
  auto service = std::make_shared<Service>(
      runtime.context(), std::move(peers), settings, paris, std::move(consent_log), std::move(routing_log),
      std::move(vault_log), [&disk = runtime.disk()] { return disk.Serves(common::v1::EFFECT_WRITES); });
  auto bound = std::make_unique<rpc::BoundService>();
  bound->services.push_back(std::make_unique<SignalRpc>(runtime.dispatcher(), service->signals()));
  bound->services.push_back(std::make_unique<AlertRpc>(runtime.dispatcher(), service->alerts()));
  runtime.Show(*bound, "consent", service->consent_follower(), rpc::Lease::kWanted);
  runtime.Show(*bound, "routing", service->routing_follower(), rpc::Lease::kNone);
  runtime.Show(*bound, "vault", service->vault_follower(), rpc::Lease::kNone);
  bound->start = [service] { return service->Start(); };
  bound->stop = [service] { BlockOn(service->Stop()); };
  bound->owned = std::move(service);
  return bound;
}

}  // namespace relais::alerting
