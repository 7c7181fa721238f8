#include "common/rpc/server.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include "common/base/status.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server_builder.h"

namespace relais::rpc {
namespace {

constexpr int kMostMessageBytes = 1 << 20;
constexpr int kMostStreamsPerConnection = 256;
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kLeastPingIntervalMs = 5'000;
constexpr std::chrono::milliseconds kLookInterval{5};
// For the last answers to reach the network: of calls that were under way, or just before.
constexpr absl::Duration kDelivery = absl::Seconds(1);
constexpr absl::Duration kIdleDelivery = absl::Milliseconds(100);

void SetLimits(grpc::ServerBuilder& builder, const ServerOptions& options) {
  builder.SetMaxReceiveMessageSize(kMostMessageBytes);
  builder.SetMaxSendMessageSize(kMostMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kLeastPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(options.connection_age)));
  // Two processes on one port would share its calls in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// gRPC reads both switches when a builder is made, for the whole process.
void SetSwitches(bool reflection) {
  static std::once_flag health;
  std::call_once(health, [] { grpc::EnableDefaultHealthCheckService(true); });
  if (reflection) {
    static std::once_flag reflected;
    std::call_once(reflected, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
  }
}

// Of the server, of each gRPC service, and of this version of the suite.
std::vector<std::string> HealthNames(const Dispatcher& dispatcher) {
  std::set<std::string> names = {"", "relais/" RELAIS_VERSION};
  for (const std::string& method : dispatcher.MethodNames()) {
    names.insert(method.substr(0, method.find('/')));
  }
  return {names.begin(), names.end()};
}

}  // namespace

Server::Server(std::unique_ptr<grpc::Server> server, Dispatcher& dispatcher, int port)
    : server_(std::move(server)),
      dispatcher_(dispatcher),
      port_(port),
      health_names_(HealthNames(dispatcher)) {}

Server::~Server() { Drain(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      Authenticator& authenticator, Dispatcher& dispatcher,
                                                      const std::vector<grpc::Service*>& services) {
  SetSwitches(options.reflection);
  const auto processor = MakeAuthProcessor(
      authenticator, [&dispatcher](std::string_view path) { return dispatcher.Authenticates(path); },
      [&dispatcher](const std::string& peer, const std::string& path) {
        dispatcher.NoteUnauthenticated(peer, path);
      });
  ASSIGN_OR_RETURN(std::shared_ptr<grpc::ServerCredentials> credentials,
                   MakeServerCredentials(options.tls, processor));
  grpc::ServerBuilder builder;
  SetLimits(builder, options);
  int port = 0;
  builder.AddListeningPort(options.listen, credentials, &port);
  for (grpc::Service* service : services) {
    builder.RegisterService(service);
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError("cannot listen on " + options.listen +
                                  ": is the port taken, or the address not of this machine?");
  }
  auto started = std::unique_ptr<Server>(new Server(std::move(server), dispatcher, port));
  started->SayServing(false);
  return started;
}

void Server::SetServing(bool serving) {
  dispatcher_.SetReady(serving);
  SayServing(serving);
}

void Server::SayServing(bool serving) {
  grpc::HealthCheckServiceInterface* const health = server_->GetHealthCheckService();
  for (const std::string& name : health_names_) {
    health->SetServingStatus(name, serving);
  }
}

void Server::Drain(absl::Duration grace) {
  if (server_ == nullptr) {
    return;
  }
  SayServing(false);
  const absl::Duration delivery = dispatcher_.calls_in_flight() > 0 ? kDelivery : kIdleDelivery;
  dispatcher_.BeginDrain();
  // gRPC's own graceful shutdown also waits for idle clients to hang up, which they may notice late.
  const auto until = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(grace);
  while (dispatcher_.in_flight() > 0 && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookInterval);
  }
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(std::min(grace, delivery)));
  server_->Wait();
  server_ = nullptr;
}

}  // namespace relais::rpc
