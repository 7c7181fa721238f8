#include "tests/bench/vault/plain_stream.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "common/rpc/process.h"
#include "common/rpc/tls.h"
#include "grpcpp/server_builder.h"
#include "relais/vault/v1/document_service.grpc.pb.h"

namespace relais::bench {
namespace {

constexpr size_t kPiece = size_t{262144};

class Sending final : public grpc::ServerWriteReactor<vault::v1::DownloadResponse> {
 public:
  explicit Sending(uint64_t length) : left_(length) {
    message_.mutable_start()->set_length(length);
    StartWrite(&message_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok || left_ == 0) {
      Finish(grpc::Status::OK);
      return;
    }
    const size_t size = std::min<uint64_t>(left_, kPiece);
    if (message_.data().size() != size) {
      message_.set_data(std::string(size, 'p'));
    }
    left_ -= size;
    StartWrite(&message_);
  }
  void OnDone() override { delete this; }

 private:
  uint64_t left_;
  vault::v1::DownloadResponse message_;
};

class Taking final : public grpc::ServerReadReactor<vault::v1::UploadRequest> {
 public:
  explicit Taking(vault::v1::UploadResponse* response) : response_(response) { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (!ok) {
      response_->mutable_upload()->set_committed(taken_);
      Finish(grpc::Status::OK);
      return;
    }
    taken_ += message_.data().size();
    StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  vault::v1::UploadResponse* const response_;
  vault::v1::UploadRequest message_;
  uint64_t taken_ = 0;
};

class PlainStream final : public vault::v1::DocumentService::CallbackService {
 public:
  grpc::ServerWriteReactor<vault::v1::DownloadResponse>* Download(
      grpc::CallbackServerContext* /*context*/, const vault::v1::DownloadRequest* request) override {
    return new Sending(request->length());
  }
  grpc::ServerReadReactor<vault::v1::UploadRequest>* Upload(grpc::CallbackServerContext* /*context*/,
                                                            vault::v1::UploadResponse* response) override {
    return new Taking(response);
  }
};

int Fail(const std::string& why) {
  std::fprintf(stderr, "bench_vault serve: %s\n", why.c_str());
  return 1;
}

}  // namespace

int ServePlainStream(const std::string& pki) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (const absl::Status tls = rpc::ConfigureProcess(); !tls.ok()) {
    return Fail(std::string(tls.message()));
  }
  const std::string folder = pki + "/services/vault";
  const auto credentials =
      rpc::MakeServerCredentials({folder + "/tls.crt", folder + "/tls.key", pki + "/ca/bundle.pem"}, nullptr);
  if (!credentials.ok()) {
    return Fail(std::string(credentials.status().message()));
  }
  PlainStream service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", *credentials, &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return Fail("cannot listen");
  }
  std::printf("listening 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return 0;
}

}  // namespace relais::bench
