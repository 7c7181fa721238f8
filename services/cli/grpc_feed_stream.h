// SignalService.SubmitStream as a FeedStream.
#pragma once

#include <memory>

#include "grpcpp/client_context.h"
#include "relais/alerting/v1/signal_service.grpc.pb.h"
#include "services/cli/session.h"
#include "services/cli/signal_import.h"

namespace relais::cli {

class GrpcFeedStream final : public FeedStream {
 public:
  /// Nothing is sent before Open. `session` outlives the stream.
  static absl::StatusOr<std::unique_ptr<GrpcFeedStream>> Make(Session& session);
  ~GrpcFeedStream() override;

  absl::StatusOr<alerting::v1::StreamOpened> Open(alerting::v1::FeedType type) override;
  absl::Status Send(alerting::v1::RowBatch batch) override;
  absl::StatusOr<alerting::v1::RowResults> Receive() override;
  absl::Status Close() override;

  /// From any thread: the call under way and all later ones fail.
  void Cancel() { context_.TryCancel(); }

 private:
  GrpcFeedStream(Session& session, const std::shared_ptr<grpc::Channel>& channel)
      : session_(session), channel_(channel), stub_(alerting::v1::SignalService::NewStub(channel)) {}
  /// Why the stream broke.
  absl::Status Broken();

  Session& session_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<alerting::v1::SignalService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<alerting::v1::SubmitStreamRequest, alerting::v1::SubmitStreamResponse>>
      stream_;
};

}  // namespace relais::cli
