// gRPC's bidirectional reactor as a Stream that coroutines read and write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/rpc/stream.h"
#include "common/rpc/untaken_answer.h"
#include "grpcpp/support/server_callback.h"

namespace relais::rpc {

/// A stream that can be ended from outside: its deadline passed, its caller was revoked, the server drains.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  /// Reads and writes under way and to come end; once the handler has returned the client is told `why`. The
  /// first call wins. Any thread.
  virtual void End(absl::Status why) = 0;
  /// While it waits for its client, to take a message, to send the first one, or the next one of a call that
  /// is answered once: how many bytes the client has taken and sent before. Nullopt: it waits for nothing.
  [[nodiscard]] virtual std::optional<uint64_t> WaitsForClient() const = 0;
};

/// Life: made by the dispatcher, held by gRPC until OnDone and by the handler. `Close` is called exactly
/// once, when the handler has returned; reads and writes may not be under way then.
template <typename Request, typename Response>
class GrpcStream final : public grpc::ServerBidiReactor<Request, Response>,
                         public Stream<Request, Response>,
                         public OpenStream,
                         public std::enable_shared_from_this<GrpcStream<Request, Response>> {
 public:
  /// `check` looks at every message that comes in; an error ends the stream with it.
  using Check = std::function<absl::Status(Request&)>;
  GrpcStream(Executor& executor, Check check) : executor_(executor), check_(std::move(check)) {}

  /// gRPC's share of the ownership, until OnDone.
  void HoldForGrpc() { self_ = this->shared_from_this(); }

  Task<std::optional<Request>> Read() override {
    OneShot<bool> done(executor_);
    if (!Await(reader_, done)) {
      co_return std::nullopt;
    }
    this->StartRead(&incoming_);
    const bool ok = co_await done;
    if (!ok || cancelled()) {
      co_return std::nullopt;
    }
    if (absl::Status status = check_(incoming_); !status.ok()) {
      End(std::move(status));
      co_return std::nullopt;
    }
    co_return std::move(incoming_);
  }

  Task<bool> Write(Response response) override {
    OneShot<bool> done(executor_);
    if (!Await(writer_, done, response.ByteSizeLong())) {
      co_return false;
    }
    outgoing_ = std::move(response);
    this->StartWrite(&outgoing_);
    const bool ok = co_await done;
    co_return ok;
  }

  [[nodiscard]] bool cancelled() const override {
    std::lock_guard lock(mu_);
    return !ended_.ok();
  }

  void End(absl::Status why) override {
    std::optional<OneShot<bool>> reader;
    std::optional<OneShot<bool>> writer;
    {
      std::lock_guard lock(mu_);
      if (!ended_.ok()) {
        return;
      }
      ended_ = std::move(why);
      reader = std::exchange(reader_, std::nullopt);
      writer = std::exchange(writer_, std::nullopt);
    }
    Wake(reader, false);
    Wake(writer, false);
  }

  /// What comes after its first message a client of such a call sends when it likes.
  [[nodiscard]] std::optional<uint64_t> WaitsForClient() const override {
    std::lock_guard lock(mu_);
    const bool for_first = reader_.has_value() && !opened_;
    return ended_.ok() && (writing_ || for_first) ? std::optional(moved_) : std::nullopt;
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

  void OnReadDone(bool ok) override {
    Waiter reader;
    {
      std::lock_guard lock(mu_);
      reader = std::exchange(reader_, std::nullopt);
      opened_ = true;
      moved_ += ok ? kSignOfLife : 0;
    }
    Wake(reader, ok);
  }
  void OnWriteDone(bool ok) override {
    Waiter writer;
    {
      std::lock_guard lock(mu_);
      writer = std::exchange(writer_, std::nullopt);
      writing_ = false;
      moved_ += outgoing_bytes_;
    }
    Wake(writer, ok);
  }
  void OnCancel() override { End(absl::CancelledError("the client has gone")); }
  void OnDone() override {
    const std::shared_ptr<GrpcStream> last = std::move(self_);
    at_end_.Run();
  }

 private:
  using Waiter = std::optional<OneShot<bool>>;

  // False once ended: gRPC must not be asked again. `writes`: bytes of the message that is written.
  bool Await(Waiter& place, const OneShot<bool>& done, std::optional<uint64_t> writes = std::nullopt) {
    std::lock_guard lock(mu_);
    if (!ended_.ok()) {
      return false;
    }
    place = done;
    if (writes.has_value()) {
      writing_ = true;
      outgoing_bytes_ = *writes;
    }
    return true;
  }
  static void Wake(const Waiter& waiter, bool ok) {
    if (waiter) {
      waiter->Set(ok);
    }
  }

  // A message of the client's, whatever its size, is as good as many bytes taken.
  static constexpr uint64_t kSignOfLife = uint64_t{1} << 20;

  Executor& executor_;
  const Check check_;
  Request incoming_;
  Response outgoing_;
  mutable std::mutex mu_;
  absl::Status ended_;
  Waiter reader_;
  Waiter writer_;
  bool writing_ = false;
  uint64_t outgoing_bytes_ = 0;  // of the message that waits
  uint64_t moved_ = 0;           // bytes that the client has taken
  bool opened_ = false;          // its first message came
  AtEnd at_end_;
  std::shared_ptr<GrpcStream> self_;
};

}  // namespace relais::rpc
