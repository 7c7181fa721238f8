// Ends unary calls on gRPC's own threads, several at a time.
#pragma once

#include <memory>

#include "grpcpp/support/server_callback.h"
#include "grpcpp/support/status.h"

namespace relais::rpc {

/// A call that ends on a thread that is not gRPC's makes gRPC hand each of its callbacks to a thread of its own,
/// one by one. A group of commits ends dozens of calls at once: here they cross over together. Thread-safe. May
/// be destroyed while calls that it was given are ending.
class Finisher {
 public:
  Finisher();

  /// As `reactor->Finish(status)`, soon.
  void Finish(grpc::ServerUnaryReactor* reactor, grpc::Status status);

 private:
  struct Queue;
  static void Drain(Queue& queue);

  const std::shared_ptr<Queue> queue_;
};

}  // namespace relais::rpc
