// Where histories are recorded: a registry on real threads that restarts under its callers, and the persons
// to whom things happen. For tests of several threads.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "common/rpc/call.h"
#include "services/consent/testing/history.h"
#include "services/consent/testing/world.h"

namespace relais::consent::testing {

/// Of a revision or a permit's id: the number after its log.
inline uint64_t SizeOf(const std::string& revision) {
  uint64_t size = 0;
  EXPECT_TRUE(absl::SimpleAtoi(revision.substr(revision.rfind(':') + 1), &size)) << revision;
  return size;
}

/// One process at a time. A restart lets the calls under way end and holds back new ones.
class Restarting {
 public:
  PoolWorld& world() { return world_; }

  template <typename Call>
  auto During(const Call& call) {
    {
      std::unique_lock lock(mu_);
      changed_.wait(lock, [&] { return !restarting_; });
      ++under_way_;
    }
    auto answer = call(world_);
    const std::lock_guard lock(mu_);
    --under_way_;
    changed_.notify_all();
    return answer;
  }
  /// From one thread at a time, and from no call.
  void Restart() {
    std::unique_lock lock(mu_);
    restarting_ = true;
    changed_.wait(lock, [&] { return under_way_ == 0; });
    world_.Restart();
    restarting_ = false;
    changed_.notify_all();
  }

 private:
  static Settings OneDecoded() {
    Settings settings;
    settings.cached_persons = 1;
    return settings;
  }

  std::mutex mu_;
  std::condition_variable changed_;
  int under_way_ = 0;
  bool restarting_ = false;
  // With room for one decoded person: the others are packed and unpacked all the time.
  PoolWorld world_{PoolWorld::DefaultOptions(), OneDecoded()};
};

/// What happened to one person. Thread-safe but for `history`, which is read once all is over.
struct Person {
  common::v1::PersonRef ref;
  std::mutex mu;
  std::vector<Operation> history;
  std::string last_no;  // the revision that the last no answered so far named

  void Add(const Operation& operation) {
    const std::lock_guard lock(mu);
    history.push_back(operation);
  }
  void SaidNo(const std::string& revision) {
    const std::lock_guard lock(mu);
    last_no = revision;
  }
  /// Empty: none.
  std::string LastNo() {
    const std::lock_guard lock(mu);
    return last_no;
  }
};

struct Scene {
  Restarting suite;
  std::atomic<uint64_t> clock = 1;
  std::atomic<bool> over = false;
  std::atomic<uint64_t> permits = 0;
  std::atomic<uint64_t> begun_beside = 0;   // rounds, each of a person of its own
  std::atomic<uint64_t> rounds_beside = 0;  // those that came through
};

/// Failures are of a process that died, or of too many acts at once; anything else is a finding. So is a
/// process that has not yet reached a revision that was answered.
inline bool Lost(const absl::Status& status) {
  EXPECT_TRUE(status.ok() || absl::IsUnavailable(status) || absl::IsCancelled(status) ||
              absl::IsFailedPrecondition(status) || absl::IsResourceExhausted(status))
      << status;
  EXPECT_TRUE(status.ok() || rpc::ReasonOf(status) != common::v1::ERROR_REASON_PEER_BEHIND) << status;
  return !status.ok();
}

/// `call` gives the revision that was answered, 0 if none was, and sets what else the operation knows.
template <typename Call>
void Record(Scene& run, Person& person, Operation operation, const Call& call) {
  operation.called = run.clock++;
  const uint64_t revision = call(operation);
  if (revision != 0) {
    operation.revision = revision;
    operation.answered = run.clock++;
  }
  person.Add(operation);
}

/// A new person, by ville-paris's handle.
inline void Meet(Scene& run, const std::string& own_identifier, Person& person) {
  v1::RegisterRequest request;
  request.set_request_id("register-" + own_identifier);
  request.set_own_identifier(own_identifier);
  const auto response = run.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().persons().Register(world.As("ville-paris"), request));
  });
  PoolWorld::Require(response.status());
  person.ref = response->person();
}

/// A new person's first round, beside those whose history is recorded. False: a call was lost.
inline bool RoundBeside(Scene& run, const std::string& name) {
  v1::RegisterRequest registration;
  registration.set_request_id(name);
  registration.set_own_identifier(name);
  const auto registered = run.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().persons().Register(world.As("ville-paris"), registration));
  });
  if (Lost(registered.status())) {
    return false;
  }
  const common::v1::PersonRef person = registered->person();
  const auto recorded = run.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().agreements().RecordConsent(world.As("ville-paris"),
                                                              PoolWorld::ConsentFor(person, name)));
  });
  if (Lost(recorded.status())) {
    return false;
  }
  v1::GetConsentRequest get;
  *get.mutable_person() = person;
  get.set_consent_id(recorded->consent_id());
  get.set_at_least_as_fresh(recorded->written().revision());
  const auto got = run.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().consents().GetConsent(world.As("ville-paris"), get));
  });
  v1::ListConsentsRequest list;
  *list.mutable_person() = person;
  const auto listed = run.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().consents().ListConsents(world.As("ville-paris"), list));
  });
  const v1::CheckRequest check = PoolWorld::CheckFor(person, false);
  const auto checked = run.suite.During([&](PoolWorld& world) {
    return BlockOn(world.service().checks().Check(world.As("ville-paris"), check));
  });
  if (Lost(got.status()) || Lost(listed.status()) || Lost(checked.status())) {
    return false;
  }
  EXPECT_EQ(got->consent().state(), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(listed->consents_size(), 1);
  EXPECT_EQ(checked->decision(), common::v1::DECISION_PERMIT);
  return true;
}

/// Load on other methods: at most so many rounds, until all is over.
inline void WorkBeside(Scene& run, const std::string& name, int most) {
  for (int i = 0; i < most && !run.over; ++i) {
    ++run.begun_beside;
    run.rounds_beside += RoundBeside(run, name + "-" + std::to_string(i)) ? 1 : 0;
  }
}

}  // namespace relais::consent::testing
