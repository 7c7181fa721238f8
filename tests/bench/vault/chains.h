// Chains of calls in flight: each slot makes one call after the other, and the first error ends them all.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "grpcpp/client_context.h"
#include "tests/bench/closed_loop.h"

namespace relais::bench {

/// A slot: one chain at a time, of one call at a time. Only `number` is for others than Chains.
struct Chain {
  uint64_t number = 0;  // of the chain that runs in it, from 0
  Done done;
  std::mutex mu;  // of `context`, which another slot's error cancels
  std::optional<grpc::ClientContext> context;
};

/// A chain is begun by Run and goes on in the callbacks of its calls: Next before each of them, then End or,
/// at the first answer that is not the due one, Fail. After End, Fail, or a Next that gave nothing, the slot
/// is the next chain's, and all slots may be gone. Thread-safe.
class Chains {
 public:
  explicit Chains(std::vector<Chain*> slots) : slots_(std::move(slots)) {}

  /// Runs so many chains, one in each slot at once. `begin` makes a slot's first call. The figure is of whole
  /// chains. The first error in time is returned when all have ended: no call begins after it, and those
  /// under way are cancelled. Once.
  absl::StatusOr<Figure> Run(const std::string& name, uint64_t chains, const std::function<void(int)>& begin);

  /// A fresh context for the next call. Null after an error: the chain has been ended.
  grpc::ClientContext* Next(Chain& chain);
  void End(Chain& chain);
  /// `why` is no OK.
  void Fail(Chain& chain, const absl::Status& why);

 private:
  const std::vector<Chain*> slots_;
  std::atomic<bool> stopped_ = false;
  std::mutex mu_;
  absl::Status error_;
};

}  // namespace relais::bench
