// gRPC's client-streaming reactor as a Reader.
#pragma once

#include <cstdint>
#include <functional>
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
template <typename Request>
class GrpcReader final : public grpc::ServerReadReactor<Request>,
                         public Reader<Request>,
                         public OpenStream,
                         public std::enable_shared_from_this<GrpcReader<Request>> {
 public:
  /// `check` looks at every message that comes in; an error ends the stream with it.
  using Check = std::function<absl::Status(Request&)>;
  GrpcReader(Executor& executor, Check check) : executor_(executor), check_(std::move(check)) {}

  /// gRPC's share of the ownership, until OnDone.
  void HoldForGrpc() { self_ = this->shared_from_this(); }

  Task<std::optional<Request>> Read() override {
    std::optional<Request> message = co_await ReadUnchecked();
    if (message.has_value()) {
      if (absl::Status status = check_(*message); !status.ok()) {
        End(std::move(status));
        co_return std::nullopt;
      }
    }
    co_return message;
  }

  /// As Read, of what nobody looked at: for a call that is refused whatever it says.
  Task<std::optional<Request>> ReadUnchecked() {
    const OneShot<bool> done(executor_);
    {
      std::lock_guard lock(mu_);
      if (!ended_.ok()) {
        co_return std::nullopt;
      }
      reader_ = done;
    }
    this->StartRead(&incoming_);
    const bool ok = co_await done;
    if (!ok || cancelled()) {
      co_return std::nullopt;
    }
    co_return std::move(incoming_);
  }

  [[nodiscard]] bool cancelled() const override {
    std::lock_guard lock(mu_);
    return !ended_.ok();
  }

  void End(absl::Status why) override {
    std::optional<OneShot<bool>> reader;
    {
      std::lock_guard lock(mu_);
      if (!ended_.ok()) {
        return;
      }
      ended_ = std::move(why);
      reader = std::exchange(reader_, std::nullopt);
    }
    if (reader.has_value()) {
      reader->Set(false);
    }
  }

  [[nodiscard]] std::optional<uint64_t> WaitsForClient() const override {
    std::lock_guard lock(mu_);
    return ended_.ok() && reader_.has_value() ? std::optional(sent_) : std::nullopt;
  }

  /// What the client is told: why the stream was ended, else the handler's own status.
  [[nodiscard]] absl::Status Outcome(const absl::Status& of_handler) const {
    std::lock_guard lock(mu_);
    return ended_.ok() ? of_handler : ended_;
  }

  /// Nothing goes out but the one answer, which is small.
  [[nodiscard]] bool writing() const { return false; }
  AtEnd& at_end() { return at_end_; }

  void OnReadDone(bool ok) override {
    std::optional<OneShot<bool>> reader;
    {
      std::lock_guard lock(mu_);
      reader = std::exchange(reader_, std::nullopt);
      sent_ += ok ? incoming_.ByteSizeLong() : 0;
    }
    if (reader.has_value()) {
      reader->Set(ok);
    }
  }
  void OnCancel() override { End(absl::CancelledError("the client has gone")); }
  void OnDone() override {
    const std::shared_ptr<GrpcReader> last = std::move(self_);
    at_end_.Run();
  }

 private:
  Executor& executor_;
  const Check check_;
  Request incoming_;
  mutable std::mutex mu_;
  absl::Status ended_;
  std::optional<OneShot<bool>> reader_;
  uint64_t sent_ = 0;  // bytes
  AtEnd at_end_;
  std::shared_ptr<GrpcReader> self_;
};

}  // namespace relais::rpc
