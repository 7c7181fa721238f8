// Calls to other services, as coroutines.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/task.h"
#include "common/rpc/call.h"
#include "common/rpc/status_mapping.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace relais::rpc {

namespace internal {

inline constexpr absl::Duration kFirstBackoff = absl::Milliseconds(20);
inline constexpr absl::Duration kMostBackoff = absl::Seconds(1);

template <typename Stub, typename Request, typename Response>
using AsyncMethod = std::function<void(Stub&, grpc::ClientContext*, const Request*, Response*,
                                       std::function<void(grpc::Status)>)>;

// What one attempt needs until gRPC is done with it.
template <typename Request, typename Response>
struct Attempt {
  grpc::ClientContext context;
  Request request;
  Response response;
};

template <typename Stub, typename Request, typename Response>
Task<absl::StatusOr<Response>> CallPeer(std::shared_ptr<Stub> stub,
                                        AsyncMethod<Stub, Request, Response> method, Executor* executor,
                                        Request request, absl::Duration timeout) {
  const SystemClock clock;  // gRPC's deadlines are the machine's
  const absl::Duration until = clock.Monotonic() + timeout;
  absl::Duration backoff = kFirstBackoff;
  while (true) {
    const absl::Duration left = until - clock.Monotonic();
    const auto attempt = std::make_unique<Attempt<Request, Response>>();
    attempt->request = request;
    attempt->context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(left));
    attempt->context.set_wait_for_ready(true);
    OneShot<grpc::Status> done(*executor);
    // The attempt belongs to this frame alone: it holds the channel, and gRPC 1.51 aborts when a process's
    // last channel dies on a thread of its own.
    method(*stub, &attempt->context, &attempt->request, &attempt->response,
           [done](grpc::Status status) { done.Set(std::move(status)); });
    const grpc::Status status = co_await done;
    if (status.ok()) {
      co_return std::move(attempt->response);
    }
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE || clock.Monotonic() + backoff >= until) {
      co_return FromGrpc(status);
    }
    co_await Sleep(*executor, backoff);
    backoff = std::min(backoff * 2, kMostBackoff);
  }
}

}  // namespace internal

/// The methods of one gRPC service at a peer, to be put where a service keeps its peers:
///
///   rpc::ServiceClient<consent::v1::ConsentService> consent(channel, executor);
///   peers.check = consent.Method(&consent::v1::ConsentService::Stub::async::Check);
///
/// A method made here waits for the connection, repeats the call on UNAVAILABLE with growing pauses, ends by
/// its timeout and resumes on `executor`, which outlives it. Errors: the peer's answer with its reason
/// (FromGrpc); UNAVAILABLE or DEADLINE_EXCEEDED without reason when there was none. Wrap them in PeerFailure.
template <typename Service>
class ServiceClient {
 public:
  using Stub = typename Service::Stub;

  ServiceClient(const std::shared_ptr<grpc::Channel>& channel, Executor& executor)
      : stub_(Service::NewStub(channel)), executor_(&executor) {}

  template <typename Async, typename Request, typename Response>
  PeerMethod<Request, Response> Method(void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                                             std::function<void(grpc::Status)>)) const {
    internal::AsyncMethod<Stub, Request, Response> call = [method](Stub& stub, grpc::ClientContext* context,
                                                                   const Request* request, Response* response,
                                                                   std::function<void(grpc::Status)> done) {
      (stub.async()->*method)(context, request, response, std::move(done));
    };
    return [stub = stub_, executor = executor_, call = std::move(call)](Request request,
                                                                        absl::Duration timeout) {
      return internal::CallPeer<Stub, Request, Response>(stub, call, executor, std::move(request), timeout);
    };
  }

 private:
  std::shared_ptr<Stub> stub_;
  Executor* executor_;
};

}  // namespace relais::rpc
