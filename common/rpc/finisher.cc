#include "common/rpc/finisher.h"

#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "grpcpp/alarm.h"

namespace relais::rpc {

struct Finisher::Queue {
  struct Ended {
    grpc::ServerUnaryReactor* reactor;
    grpc::Status status;
  };
  std::mutex mu;
  std::vector<Ended> ended;
  bool draining = false;  // or about to
};

Finisher::Finisher() : queue_(std::make_shared<Queue>()) {}

void Finisher::Finish(grpc::ServerUnaryReactor* reactor, grpc::Status status) {
  // Kept here: once the last call has ended, so may this object have.
  const std::shared_ptr<Queue> queue = queue_;
  {
    std::lock_guard lock(queue->mu);
    queue->ended.push_back({reactor, std::move(status)});
    if (std::exchange(queue->draining, true)) {
      return;
    }
  }
  // An alarm that is due at once: the public way onto one of gRPC's threads. It owns the function that owns it,
  // until that has run.
  const auto alarm = std::make_shared<grpc::Alarm>();
  alarm->Set(std::chrono::system_clock::now(), [queue, held = alarm](bool /*ok*/) mutable {
    Drain(*queue);
    held = nullptr;
  });
}

void Finisher::Drain(Queue& queue) {
  std::vector<Queue::Ended> ended;
  while (true) {
    ended.clear();
    {
      std::lock_guard lock(queue.mu);
      if (queue.ended.empty()) {
        queue.draining = false;
        return;
      }
      ended.swap(queue.ended);
    }
    for (Queue::Ended& call : ended) {
      call.reactor->Finish(std::move(call.status));
    }
  }
}

}  // namespace relais::rpc
