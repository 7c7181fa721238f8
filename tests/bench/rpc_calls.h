// Calls of one method through gRPC's callback API, for the loops.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/status_mapping.h"
#include "grpcpp/client_context.h"
#include "tests/bench/closed_loop.h"
#include "tests/bench/sample.h"

namespace relais::bench {

inline void PrepareContext(grpc::ClientContext& context) {
  constexpr auto kDeadline = std::chrono::seconds(20);
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  context.AddMetadata("relais-agent", kAgent);
  context.AddMetadata("relais-function", kFunction);
}

template <typename Stub, typename Request, typename Response>
struct Calls {
  const std::vector<std::shared_ptr<Stub>>& stubs;
  std::function<void(Stub&, grpc::ClientContext*, const Request*, Response*,
                     std::function<void(grpc::Status)>)>
      call;
  std::function<void(int slot, uint64_t number, Request&)> fill;  // the slot's message, used again
  std::function<absl::Status(uint64_t number, const Response&)> judge;
};

/// Runs a loop: `run` is given what starts a call, in `slots` slots.
template <typename Stub, typename Request, typename Response>
Figure RunCallsIn(int slots, const std::function<Figure(const StartCall&)>& run,
                  const Calls<Stub, Request, Response>& calls) {
  struct Slot {
    std::optional<grpc::ClientContext> context;
    Request request;
    Response response;
  };
  std::vector<Slot> all(slots);
  return run([&](int index, uint64_t number, Done done) {
    Slot& slot = all[index];
    slot.context.emplace();
    PrepareContext(*slot.context);
    slot.response.Clear();
    calls.fill(index, number, slot.request);
    Stub& stub = *calls.stubs[index % calls.stubs.size()];
    calls.call(stub, &*slot.context, &slot.request, &slot.response,
               [&slot, &calls, number, done = std::move(done)](const grpc::Status& status) {
                 done(status.ok() ? calls.judge(number, slot.response) : rpc::FromGrpc(status));
               });
  });
}

template <typename Stub, typename Request, typename Response>
Figure RunCalls(const std::string& name, const Loop& loop, const Calls<Stub, Request, Response>& calls) {
  return RunCallsIn<Stub, Request, Response>(
      loop.in_flight, [&](const StartCall& start) { return RunClosedLoop(name, loop, start); }, calls);
}

}  // namespace relais::bench
