#include "tests/bench/vault/standing.h"

#include <chrono>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/status_mapping.h"
#include "grpcpp/client_context.h"
#include "relais/vault/v1/document_service.grpc.pb.h"
#include "relais/vault/v1/export_service.grpc.pb.h"

namespace relais::bench {

class StandingStreams::Stream {
 public:
  Stream() { PrepareCall(context_, std::chrono::hours(1)); }
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void Cancel() { context_.TryCancel(); }
  virtual void Finish() = 0;

 protected:
  grpc::ClientContext context_;
};

template <typename Response>
class StandingStreams::StreamOf final : public Stream {
 public:
  template <typename Stub, typename Request>
  absl::Status Begin(std::unique_ptr<Stub> stub,
                     std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                                   const Request&),
                     const Request& request) {
    stream_ = (stub.get()->*method)(&context_, request);
    Response first;
    return stream_->Read(&first) ? absl::OkStatus() : rpc::FromGrpc(stream_->Finish());
  }
  void Finish() override { stream_->Finish(); }

 private:
  std::unique_ptr<grpc::ClientReader<Response>> stream_;
};

StandingStreams::StandingStreams() = default;

StandingStreams::~StandingStreams() {
  for (const std::unique_ptr<Stream>& stream : streams_) {
    stream->Cancel();
  }
  for (const std::unique_ptr<Stream>& stream : streams_) {
    stream->Finish();
  }
}

absl::Status StandingStreams::AddReading(const VaultSuite& suite, const std::string& institution,
                                         const std::string& system, const std::string& handle,
                                         const std::string& document_id) {
  using vault::v1::DocumentService;
  ASSIGN_OR_RETURN(const auto channel, Connect(suite, suite.vault, "vault", institution, system));
  vault::v1::DownloadRequest request;
  request.mutable_person()->set_handle(handle);
  request.set_document_id(document_id);
  auto stream = std::make_unique<StreamOf<vault::v1::DownloadResponse>>();
  RETURN_IF_ERROR(
      stream->Begin(DocumentService::NewStub(channel), &DocumentService::Stub::Download, request));
  streams_.push_back(std::move(stream));
  return absl::OkStatus();
}

absl::Status StandingStreams::AddExport(const VaultSuite& suite, const std::string& institution,
                                        const std::string& system, const std::string& handle) {
  using vault::v1::ExportService;
  ASSIGN_OR_RETURN(const auto channel, Connect(suite, suite.vault, "vault", institution, system));
  vault::v1::ExportRequest request;
  request.mutable_person()->set_handle(handle);
  auto stream = std::make_unique<StreamOf<vault::v1::ExportResponse>>();
  RETURN_IF_ERROR(stream->Begin(ExportService::NewStub(channel), &ExportService::Stub::Export, request));
  streams_.push_back(std::move(stream));
  return absl::OkStatus();
}

}  // namespace relais::bench
