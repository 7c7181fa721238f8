#include "services/cli/grpc_feed_stream.h"

#include <chrono>
#include <utility>

#include "common/base/status.h"

namespace relais::cli {
namespace {

constexpr absl::Duration kLongestFeed = absl::Hours(24);
constexpr char kService[] = "alerting";

absl::Status NotInTurn() { return absl::InternalError("the service answered out of turn"); }

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcFeedStream>> GrpcFeedStream::Make(Session& session) {
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel, session.Channel(kService));
  return std::unique_ptr<GrpcFeedStream>(new GrpcFeedStream(session, channel));
}

GrpcFeedStream::~GrpcFeedStream() {
  if (stream_ != nullptr) {
    context_.TryCancel();
    (void)stream_->Finish();
  }
}

absl::Status GrpcFeedStream::Broken() {
  // The status comes after the answers that are on their way.
  for (alerting::v1::SubmitStreamResponse rest; stream_->Read(&rest);) {
  }
  const grpc::Status status = stream_->Finish();
  stream_ = nullptr;
  return status.ok() ? absl::UnavailableError("the service ended the stream")
                     : session_.Explain(kService, rpc::FromGrpc(status));
}

absl::StatusOr<alerting::v1::StreamOpened> GrpcFeedStream::Open(alerting::v1::FeedType type) {
  // A first connection that fails must not wait for the stream's long deadline.
  channel_->WaitForConnected(std::chrono::system_clock::now() +
                             absl::ToChronoMicroseconds(session_.timeout()));
  session_.Prepare(context_, kLongestFeed);
  stream_ = stub_->SubmitStream(&context_);
  alerting::v1::SubmitStreamRequest request;
  request.mutable_open()->set_type(type);
  alerting::v1::SubmitStreamResponse response;
  if (!stream_->Write(request) || !stream_->Read(&response)) {
    return Broken();
  }
  if (!response.has_opened()) {
    return NotInTurn();
  }
  return std::move(*response.mutable_opened());
}

absl::Status GrpcFeedStream::Send(alerting::v1::RowBatch batch) {
  if (stream_ == nullptr) {
    return absl::UnavailableError("the stream is broken");
  }
  alerting::v1::SubmitStreamRequest request;
  *request.mutable_batch() = std::move(batch);
  return stream_->Write(request) ? absl::OkStatus() : Broken();
}

absl::StatusOr<alerting::v1::RowResults> GrpcFeedStream::Receive() {
  if (stream_ == nullptr) {
    return absl::UnavailableError("the stream is broken");
  }
  alerting::v1::SubmitStreamResponse response;
  if (!stream_->Read(&response)) {
    return Broken();
  }
  if (!response.has_results()) {
    return NotInTurn();
  }
  return std::move(*response.mutable_results());
}

absl::Status GrpcFeedStream::Close() {
  if (stream_ == nullptr) {
    return absl::OkStatus();
  }
  stream_->WritesDone();
  alerting::v1::SubmitStreamResponse rest;
  if (stream_->Read(&rest)) {
    return NotInTurn();
  }
  const grpc::Status status = stream_->Finish();
  stream_ = nullptr;
  return session_.Explain(kService, rpc::FromGrpc(status));
}

}  // namespace relais::cli
