// The ceiling of every call: the consent registry's Check over the suite's own TLS, answered with a constant.
//
//   bench_echo --pki DIR/pki [--listen 127.0.0.1:0]
//
// Prints "listening HOST:PORT" and serves until SIGTERM or SIGINT. It asks for and verifies client
// certificates as services do, and does nothing else: no directory, no policy, no validation.
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include "common/rpc/process.h"
#include "common/rpc/tls.h"
#include "grpcpp/server_builder.h"
#include "relais/consent/v1/consent_service.grpc.pb.h"
#include "tests/bench/sample.h"

namespace {

class Echo final : public relais::consent::v1::ConsentService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const relais::consent::v1::CheckRequest* /*request*/,
                                  relais::consent::v1::CheckResponse* response) override {
    *response = answer_;
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const relais::consent::v1::CheckResponse answer_ = relais::bench::EchoedPermit();
};

int Fail(const std::string& why) {
  std::fprintf(stderr, "bench_echo: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string pki;
  std::string host = "127.0.0.1:0";
  CLI::App app("The echo that calls are measured against");
  app.add_option("--pki", pki, "Folder of the development PKI")->required();
  app.add_option("--listen", host, "Address; port 0 takes a free one");
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (const absl::Status tls = relais::rpc::ConfigureProcess(); !tls.ok()) {
    return Fail(std::string(tls.message()));
  }
  const std::string folder = pki + "/services/consent";
  const auto credentials = relais::rpc::MakeServerCredentials(
      {folder + "/tls.crt", folder + "/tls.key", pki + "/ca/bundle.pem"}, nullptr);
  if (!credentials.ok()) {
    return Fail(std::string(credentials.status().message()));
  }
  Echo echo;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(host, *credentials, &port);
  builder.RegisterService(&echo);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return Fail("cannot listen on " + host);
  }
  std::printf("listening %s:%d\n", host.substr(0, host.rfind(':')).c_str(), port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return 0;
}
