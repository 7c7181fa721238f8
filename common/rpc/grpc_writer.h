// gRPC's server-streaming reactor as a Writer.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/rpc/grpc_stream.h"
#include "common/rpc/stream.h"
#include "common/rpc/untaken_answer.h"
#include "grpcpp/support/server_callback.h"

namespace relais::rpc {

/// Life: as GrpcStream's.
template <typename Response>
class GrpcWriter final : public grpc::ServerWriteReactor<Response>,
                         public Writer<Response>,
                         public OpenStream,
                         public std::enable_shared_from_this<GrpcWriter<Response>> {
 public:
  explicit GrpcWriter(Executor& executor) : executor_(executor) {}

  /// gRPC's share of the ownership, until OnDone.
  void HoldForGrpc() { self_ = this->shared_from_this(); }

  Task<bool> Write(Response response) override {
    const OneShot<bool> done(executor_);
    {
      std::lock_guard lock(mu_);
      if (!ended_.ok()) {
        co_return false;
      }
      writer_ = done;
      writing_ = true;
      outgoing_bytes_ = response.ByteSizeLong();
    }
    outgoing_ = std::move(response);
    this->StartWrite(&outgoing_);
    const bool ok = co_await done;
    co_return ok;
  }

  [[nodiscard]] Response TakeWritten() override { return std::exchange(outgoing_, Response()); }

  [[nodiscard]] bool cancelled() const override {
    std::lock_guard lock(mu_);
    return !ended_.ok();
  }

  void End(absl::Status why) override {
    std::optional<OneShot<bool>> writer;
    {
      std::lock_guard lock(mu_);
      if (!ended_.ok()) {
        return;
      }
      ended_ = std::move(why);
      writer = std::exchange(writer_, std::nullopt);
    }
    if (writer.has_value()) {
      writer->Set(false);
    }
  }

  [[nodiscard]] std::optional<uint64_t> WaitsForClient() const override {
    std::lock_guard lock(mu_);
    return ended_.ok() && writing_ ? std::optional(taken_) : std::nullopt;
  }

  /// What the client is told: why the stream was ended, else the handler's own status.
  [[nodiscard]] absl::Status Outcome(const absl::Status& of_handler) const {
    std::lock_guard lock(mu_);
    return ended_.ok() ? of_handler : ended_;
  }

  /// Whether a message waits for the client, though nobody may wait for it any more.
  [[nodiscard]] bool writing() const {
    std::lock_guard lock(mu_);
    return writing_;
  }
  /// Before Finish.
  AtEnd& at_end() { return at_end_; }

  void OnWriteDone(bool ok) override {
    std::optional<OneShot<bool>> writer;
    {
      std::lock_guard lock(mu_);
      writer = std::exchange(writer_, std::nullopt);
      writing_ = false;
      taken_ += outgoing_bytes_;
    }
    if (writer.has_value()) {
      writer->Set(ok);
    }
  }
  void OnCancel() override { End(absl::CancelledError("the client has gone")); }
  void OnDone() override {
    const std::shared_ptr<GrpcWriter> last = std::move(self_);
    at_end_.Run();
  }

 private:
  Executor& executor_;
  Response outgoing_;
  mutable std::mutex mu_;
  absl::Status ended_;
  std::optional<OneShot<bool>> writer_;
  bool writing_ = false;
  uint64_t outgoing_bytes_ = 0;  // of the message that waits
  uint64_t taken_ = 0;           // bytes
  AtEnd at_end_;
  std::shared_ptr<GrpcWriter> self_;
};

}  // namespace relais::rpc
