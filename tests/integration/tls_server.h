// A server of the suite over real TLS in this process, and certificates for whoever may call it. AuditService
// is the service under test: every server has it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/pki/development.h"
#include "common/rpc/audit_handlers.h"
#include "common/rpc/authentication.h"
#include "common/rpc/dispatch.h"
#include "common/rpc/server.h"
#include "common/rpc/testing/service_world.h"
#include "common/rpc/tls.h"
#include "grpcpp/grpcpp.h"
#include "relais/audit/v1/audit_service.grpc.pb.h"

namespace relais::rpc::testing {

/// A folder that goes away, with the development PKI of a few systems and services in it, and a foreign
/// authority's.
class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  [[nodiscard]] TlsFiles System(const std::string& institution, const std::string& system) const;
  [[nodiscard]] TlsFiles Service(const std::string& service) const;
  /// Vouched for by an authority nobody knows, with the name of a system that exists.
  [[nodiscard]] TlsFiles Foreign() const;
  /// With a service's names, signed by an authority of institutions that, unlike the real one, may vouch for
  /// TLS servers: OpenSSL lets it pass, only PeerTrust can tell.
  [[nodiscard]] TlsFiles InstitutionPosingAsService(const std::string& service) const;
  [[nodiscard]] pki::PeerTrust Trust() const;
  /// A new certificate of a service in the folder `name`. One that is there is replaced as operators do it:
  /// the new folder is complete before it takes the name of the old one.
  TlsFiles Issue(const std::string& name, const std::string& service) const;
  void Remove(const std::string& name) const;

 private:
  [[nodiscard]] TlsFiles At(const std::string& folder) const;

  std::string folder_;
  pki::Authority lax_institutions_;
};

/// Files read into memory.
std::string Read(const std::string& path);
/// SHA-256 of a certificate file's leaf.
std::string FingerprintOf(const TlsFiles& files);

/// A server with AuditService. Optionally a handler of GetCheckpoint is replaced, and another service served
/// too.
class TlsServer {
 public:
  using Handler = std::function<Task<absl::StatusOr<audit::v1::GetCheckpointResponse>>(
      Call, audit::v1::GetCheckpointRequest)>;
  /// Adds to the dispatcher what it serves, and sets it up.
  using Another = std::function<std::unique_ptr<grpc::Service>(Dispatcher&)>;
  explicit TlsServer(const Certificates& certificates, const TlsFiles& own, DispatchOptions options = {},
                     Handler get_checkpoint = nullptr, const Another& another = nullptr);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::string target() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  ServiceWorld& world() { return world_; }
  Executor& executor() { return executor_; }
  Dispatcher& dispatcher() { return dispatcher_; }
  Server& server() { return *server_; }
  telemetry::ServiceMetrics& metrics() { return service_metrics_; }
  telemetry::Metrics& all_metrics() { return metrics_; }
  /// Another directory in force, with the certificate revoked.
  void Revoke(const TlsFiles& files);
  void PutInForce(std::shared_ptr<const directory::Directory> directory);

 private:
  SystemClock clock_;
  ThreadPool executor_{3};
  ServiceWorld world_{clock_, executor_};
  Authenticator authenticator_;
  Dispatcher dispatcher_;
  telemetry::Metrics metrics_;
  telemetry::ServiceMetrics service_metrics_;
  AuditHandlers handlers_;
  std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Service> another_;
  std::unique_ptr<Server> server_;
};

/// A plain gRPC channel, as an institution's own software makes it: the server's chain is verified, its name
/// is relais-consent. Without files: no client certificate.
std::shared_ptr<grpc::Channel> PlainChannel(const std::string& target, const TlsFiles* files,
                                            const std::string& roots,
                                            grpc::ChannelArguments arguments = grpc::ChannelArguments());

}  // namespace relais::rpc::testing
