// The simulated network: delays every message by a random time (so messages overtake one another), loses
// some, cuts links for a while. All choices come from the world's seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/base/task.h"
#include "common/base/testing/sim_executor.h"

namespace relais::sim {

/// One life of a process: false once it has crashed. Nothing leaves a dead process.
using Life = std::shared_ptr<bool>;

class Network {
 public:
  explicit Network(testing::SimExecutor& sim) : sim_(sim) {}

  /// Nothing passes between two ends, in both directions, until `now + duration`.
  void Cut(const std::string& a, const std::string& b, absl::Duration duration);
  /// From here on nothing is lost or cut.
  void Heal() { calm_ = true; }

  [[nodiscard]] bool Passes(const std::string& from, const std::string& to);
  [[nodiscard]] absl::Duration Delay();
  testing::SimExecutor& sim() { return sim_; }

 private:
  testing::SimExecutor& sim_;
  bool calm_ = false;
  std::map<std::pair<std::string, std::string>, absl::Duration> cut_until_;
};

/// What is at the other end: nullopt when the process is down.
template <typename Request, typename Response>
using Remote = std::function<std::optional<Task<absl::StatusOr<Response>>>(Request)>;

struct Route {
  std::string from;
  std::string to;
  Life life;                                  // of the caller
  absl::Duration attempt = absl::Seconds(1);  // one attempt
};

/// One attempt: there and back, or UNAVAILABLE.
template <typename Request, typename Response>
Task<absl::StatusOr<Response>> Attempt(Network* net, Route route, Remote<Request, Response> remote,
                                       Request request) {
  testing::SimExecutor& sim = net->sim();
  OneShot<absl::StatusOr<Response>> done(sim);
  const auto lost = [done] { done.Set(absl::StatusOr<Response>(absl::UnavailableError("no answer"))); };
  sim.PostAfter(route.attempt, lost);
  sim.PostAfter(net->Delay(), [net, route, remote, request, done, lost] {
    if (!*route.life || !net->Passes(route.from, route.to)) {
      return;
    }
    auto running = remote(request);
    if (!running.has_value()) {
      lost();
      return;
    }
    Start(std::move(*running), [net, route, done](absl::StatusOr<Response> answer) {
      auto held = std::make_shared<absl::StatusOr<Response>>(std::move(answer));
      net->sim().PostAfter(net->Delay(), [net, route, done, held] {
        if (net->Passes(route.to, route.from)) {
          done.Set(std::move(*held));
        }
      });
    });
  });
  absl::StatusOr<Response> answer = co_await done;
  if (!*route.life) {
    co_return absl::UnavailableError("the caller is dead");
  }
  co_return answer;
}

/// As a real client calls: again on UNAVAILABLE, with pauses, until `timeout`.
template <typename Request, typename Response>
Task<absl::StatusOr<Response>> CallOver(Network* net, Route route, Remote<Request, Response> remote,
                                        Request request, absl::Duration timeout) {
  const absl::Duration until = net->sim().Monotonic() + timeout;
  while (true) {
    auto answer = co_await Attempt<Request, Response>(net, route, remote, request);
    const bool again = absl::IsUnavailable(answer.status()) || absl::IsAborted(answer.status());
    if (!again || !*route.life || net->sim().Monotonic() >= until) {
      co_return answer;
    }
    co_await Sleep(net->sim(), absl::Milliseconds(50));
  }
}

}  // namespace relais::sim
