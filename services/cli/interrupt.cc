#include "services/cli/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <mutex>
#include <thread>

#include "services/cli/exit_code.h"

namespace relais::cli {
namespace {

struct State {
  std::mutex mu;
  std::function<void()> cancel;
  bool raised = false;
};

// Never destroyed: the thread that waits for signals ends with the process.
State& TheState() {
  static State* const state = new State;
  return *state;
}

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void Watch() {
  const sigset_t signals = Signals();
  State& state = TheState();
  while (true) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) {
      continue;
    }
    std::lock_guard lock(state.mu);
    if (!state.cancel) {
      _exit(kExitIncomplete);
    }
    state.raised = true;
    state.cancel();
  }
}

}  // namespace

void Interrupt::Install() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  TheState();
  std::thread(Watch).detach();
}

Interrupt::Interrupt(std::function<void()> cancel) {
  State& state = TheState();
  std::lock_guard lock(state.mu);
  state.cancel = std::move(cancel);
  state.raised = false;
}

Interrupt::~Interrupt() {
  State& state = TheState();
  std::lock_guard lock(state.mu);
  state.cancel = nullptr;
}

bool Interrupt::raised() const {
  State& state = TheState();
  std::lock_guard lock(state.mu);
  return state.raised;
}

}  // namespace relais::cli
