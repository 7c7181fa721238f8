#include "common/rpc/untaken_answer.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace relais::rpc {

void UntakenAnswer::Gone() {
  {
    std::lock_guard lock(mu_);
    context_ = nullptr;
  }
  gone_();
}

void UntakenAnswer::Drop() {
  std::lock_guard lock(mu_);
  if (context_ != nullptr) {
    context_->TryCancel();
  }
}

// One look is under way or to come while there are answers: it drops those that are due, one after another.
struct UntakenAnswers::State {
  struct Entry {
    absl::Duration due;  // monotonic
    std::shared_ptr<UntakenAnswer> answer;
  };

  State(Executor& of, const Clock& by, absl::Duration for_at_most)
      : executor(of), clock(by), longest(for_at_most) {}

  Executor& executor;
  const Clock& clock;
  const absl::Duration longest;
  std::mutex mu;
  uint64_t next = 0;
  std::map<uint64_t, Entry> answers;  // in the order in which they are due
  bool looking = false;
};

UntakenAnswers::UntakenAnswers(Executor& executor, const Clock& clock, absl::Duration longest)
    : state_(std::make_shared<State>(executor, clock, longest)) {}

std::function<void()> UntakenAnswers::Add(const grpc::CallbackServerContext& context,
                                          std::function<void()> gone) {
  auto answer = std::make_shared<UntakenAnswer>(context, std::move(gone));
  uint64_t number = 0;
  bool first = false;
  {
    std::lock_guard lock(state_->mu);
    number = state_->next++;
    state_->answers.emplace(number, State::Entry{state_->clock.Monotonic() + state_->longest, answer});
    first = !std::exchange(state_->looking, true);
  }
  if (first) {
    LookIn(state_, state_->longest);
  }
  return [state = state_, number, answer = std::move(answer)] {
    {
      std::lock_guard lock(state->mu);
      state->answers.erase(number);
    }
    answer->Gone();
  };
}

void UntakenAnswers::LookIn(const std::shared_ptr<State>& state, absl::Duration delay) {
  state->executor.PostAfter(delay, [held = std::weak_ptr<State>(state)] {
    if (const std::shared_ptr<State> there = held.lock()) {
      Look(there);
    }
  });
}

void UntakenAnswers::Look(const std::shared_ptr<State>& state) {
  std::vector<std::shared_ptr<UntakenAnswer>> late;
  const absl::Duration now = state->clock.Monotonic();
  {
    std::lock_guard lock(state->mu);
    for (auto at = state->answers.begin(); at != state->answers.end() && at->second.due <= now;) {
      late.push_back(std::move(at->second.answer));
      at = state->answers.erase(at);
    }
  }
  for (const std::shared_ptr<UntakenAnswer>& answer : late) {
    answer->Drop();
  }
  absl::Duration next;
  {
    std::lock_guard lock(state->mu);
    state->looking = !state->answers.empty();
    if (!state->looking) {
      return;
    }
    next = state->answers.begin()->second.due - now;
  }
  LookIn(state, std::max(next, absl::Milliseconds(1)));
}

}  // namespace relais::rpc
