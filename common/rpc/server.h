// The gRPC server of a service: TLS, limits, health, drain.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/dispatch.h"
#include "common/rpc/tls.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/server.h"

namespace relais::rpc {

struct ServerOptions {
  std::string listen;  // "0.0.0.0:7001"; port 0 takes a free one
  TlsFiles tls;
  bool reflection = false;
  /// A connection is asked to make place for a fresh one after this; calls and streams under way go on.
  absl::Duration connection_age = absl::Minutes(30);
};

/// Thread-safe but for Drain and the destructor, which belong to one thread.
class Server {
 public:
  /// Starts listening: `services` answer, through `dispatcher`, whom `authenticator` lets in; grpc.health.v1
  /// says NOT_SERVING until SetServing, for "" (the server), each service by its full name (which has the
  /// version of its API: "relais.consent.v1.ConsentService") and "relais/<version>" of the suite. Everything
  /// outlives the server. UNAVAILABLE when it cannot listen or read its certificate.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       Authenticator& authenticator, Dispatcher& dispatcher,
                                                       const std::vector<grpc::Service*>& services);
  /// As Drain without grace.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const { return port_; }
  /// Health of the whole server, and whether the dispatcher answers all methods.
  void SetServing(bool serving);
  /// NOT_SERVING; streams are told to end; no new call; those under way have `grace` to end, then are
  /// cancelled. Returns when every call has ended and every handler returned.
  void Drain(absl::Duration grace);

 private:
  Server(std::unique_ptr<grpc::Server> server, Dispatcher& dispatcher, int port);
  void SayServing(bool serving);

  std::unique_ptr<grpc::Server> server_;
  Dispatcher& dispatcher_;
  const int port_;
  const std::vector<std::string> health_names_;
};

}  // namespace relais::rpc
