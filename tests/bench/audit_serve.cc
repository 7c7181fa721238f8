#include "tests/bench/audit_serve.h"

#include <csignal>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/pki/file.h"
#include "common/rpc/audit_service.h"
#include "common/rpc/server.h"
#include "common/rpc/testing/service_world.h"
#include "tests/bench/audit_world.h"

namespace relais::bench {
namespace {

constexpr size_t kMostPemBytes = size_t{1} << 20;

absl::StatusOr<pki::PeerTrust> TrustOf(const std::string& pki) {
  pki::PeerTrust::Options options;
  options.trust_domain = "relais.test";
  ASSIGN_OR_RETURN(options.services_pem, pki::ReadWholeFile(pki + "/ca/services.pem", kMostPemBytes));
  ASSIGN_OR_RETURN(options.institutions_pem, pki::ReadWholeFile(pki + "/ca/institutions.pem", kMostPemBytes));
  return pki::PeerTrust::Create(options);
}

}  // namespace

absl::Status ServeAudit(const ServeOptions& options) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  AuditWorldOptions world_options;
  world_options.folder = options.folder;
  ASSIGN_OR_RETURN(const std::unique_ptr<AuditWorld> world, AuditWorld::Open(world_options));
  // The directory that knows an auditor of the suite.
  const std::shared_ptr<const directory::Directory> directory = rpc::testing::SampleDirectory(1);
  const rpc::CurrentDirectory current = [directory] { return directory; };
  ASSIGN_OR_RETURN(const identity::HandleCodec handles,
                   identity::HandleCodec::Create(world->ring(), {}, world->clock()));
  const identity::SuppressionKeys suppression(world->ring());
  const rpc::Idempotency idempotency(Secret(std::string(32, 'i')));
  const rpc::ServiceContext context{world->clock(), world->random(), world->executor(),
                                    world->store(), world->log(),    handles,
                                    suppression,    idempotency,     current};
  ASSIGN_OR_RETURN(pki::PeerTrust trust, TrustOf(options.pki));
  rpc::Authenticator authenticator(std::move(trust), current, world->clock());
  rpc::Dispatcher dispatcher(context, authenticator, {});
  RETURN_IF_ERROR(dispatcher.AddService(rpc::kAuditServiceName));
  rpc::AuditHandlers handlers(context, {});
  const std::unique_ptr<grpc::Service> service = rpc::MakeAuditService(dispatcher, handlers);
  rpc::ServerOptions server_options;
  server_options.listen = options.listen;
  const std::string own = options.pki + "/services/consent";
  server_options.tls = {own + "/tls.crt", own + "/tls.key", options.pki + "/ca/bundle.pem"};
  ASSIGN_OR_RETURN(std::unique_ptr<rpc::Server> server,
                   rpc::Server::Start(server_options, authenticator, dispatcher, {service.get()}));
  server->SetServing(true);
  std::cout << "listening 127.0.0.1:" << server->port() << std::endl;
  int received = 0;
  sigwait(&signals, &received);
  server->Drain(absl::Seconds(1));
  std::cout << "server_mb " << PeakMegabytes() << std::endl;
  return absl::OkStatus();
}

}  // namespace relais::bench
