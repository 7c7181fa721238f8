// What a client does not take of an answer stays in memory until it goes: such a call keeps its place, and
// gRPC is told to let go of it in the end (ADR 82).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace relais::rpc {

/// Of a call that was answered. Thread-safe.
class UntakenAnswer {
 public:
  /// `context`: there until Gone. `gone`: called then.
  UntakenAnswer(const grpc::CallbackServerContext& context, std::function<void()> gone)
      : context_(&context), gone_(std::move(gone)) {}

  /// From gRPC's OnDone, once: the answer has left, or the call was cancelled.
  void Gone();
  /// What waits for the client is dropped: Gone follows. Nothing, after Gone. Of a server one at a time: gRPC
  /// may come to the end of other calls within this.
  void Drop();

 private:
  std::recursive_mutex mu_;  // gRPC may come to OnDone within TryCancel
  const grpc::CallbackServerContext* context_;
  const std::function<void()> gone_;
};

/// Those of a server; each that is still there after `longest` is dropped. Thread-safe. Outlives the server.
class UntakenAnswers {
 public:
  UntakenAnswers(Executor& executor, const Clock& clock, absl::Duration longest);

  /// What is to be called from gRPC's OnDone; `gone` is called there.
  std::function<void()> Add(const grpc::CallbackServerContext& context, std::function<void()> gone);

 private:
  struct State;
  static void LookIn(const std::shared_ptr<State>& state, absl::Duration delay);
  static void Look(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

/// What a reactor does once gRPC is done with it: nothing, unless it is told before it is finished.
class AtEnd {
 public:
  void Set(std::function<void()> act) { act_ = std::move(act); }
  void Run() {
    if (act_) {
      std::exchange(act_, nullptr)();
    }
  }

 private:
  std::function<void()> act_;
};

/// gRPC's unary reactor, with an end that can be heard of. Deletes itself there.
class GrpcUnary final : public grpc::ServerUnaryReactor {
 public:
  static GrpcUnary* Make() {
    auto made = std::make_unique<GrpcUnary>();
    GrpcUnary* const reactor = made.get();
    reactor->self_ = std::move(made);
    return reactor;
  }
  /// Before Finish.
  AtEnd& at_end() { return at_end_; }

  void OnDone() override {
    const std::unique_ptr<GrpcUnary> last = std::move(self_);
    at_end_.Run();
  }
  // As gRPC's own: what happens at the end waits for nothing, and needs no thread of its own.
  bool InternalInlineable() override { return true; }

 private:
  AtEnd at_end_;
  std::unique_ptr<GrpcUnary> self_;
};

}  // namespace relais::rpc
