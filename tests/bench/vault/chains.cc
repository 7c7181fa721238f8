#include "tests/bench/vault/chains.h"

#include <utility>

#include "common/base/status.h"

namespace relais::bench {
namespace {

// Ends a chain that makes no call. The loop begins the next within `done`: that one waits here for its turn,
// else the stack would grow with each of those that are left.
void Skip(Done done) {
  thread_local std::vector<Done>* turns = nullptr;
  if (turns != nullptr) {
    turns->push_back(std::move(done));
    return;
  }
  std::vector<Done> own;
  own.push_back(std::move(done));
  turns = &own;
  while (!own.empty()) {
    const Done next = std::move(own.back());
    own.pop_back();
    next(absl::CancelledError("another chain failed"));
  }
  turns = nullptr;
}

}  // namespace

absl::StatusOr<Figure> Chains::Run(const std::string& name, uint64_t chains,
                                   const std::function<void(int)>& begin) {
  Loop loop;
  loop.in_flight = static_cast<int>(slots_.size());
  loop.calls = chains;
  Figure figure = RunClosedLoop(name, loop, [&](int slot, uint64_t number, Done done) {
    if (stopped_) {
      Skip(std::move(done));
      return;
    }
    Chain& chain = *slots_[slot];
    chain.number = number;
    chain.done = std::move(done);
    begin(slot);
  });
  const std::lock_guard lock(mu_);
  RETURN_IF_ERROR(error_);
  return figure;
}

grpc::ClientContext* Chains::Next(Chain& chain) {
  {
    const std::lock_guard lock(chain.mu);
    if (!stopped_) {
      return &chain.context.emplace();
    }
  }
  Skip(std::exchange(chain.done, nullptr));
  return nullptr;
}

void Chains::End(Chain& chain) { std::exchange(chain.done, nullptr)(absl::OkStatus()); }

void Chains::Fail(Chain& chain, const absl::Status& why) {
  bool first = false;
  {
    const std::lock_guard lock(mu_);
    first = error_.ok();
    if (first) {
      error_ = why;
    }
  }
  if (first) {
    // Before the slots are locked: whoever saw it false has its context in place by then.
    stopped_ = true;
    for (Chain* other : slots_) {
      const std::lock_guard lock(other->mu);
      if (other != &chain && other->context.has_value()) {
        other->context->TryCancel();
      }
    }
  }
  std::exchange(chain.done, nullptr)(why);
}

}  // namespace relais::bench
