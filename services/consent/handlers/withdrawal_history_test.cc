// "After a withdrawal returned revision R, no check at R or later permits what she withdrew": any thread,
// under load, across restarts. Threads agree, withdraw and check; between calls the process dies and comes
// back on the same store; what each of them saw is judged by a history checker (testing/history.h), and so is
// the log.
//
// RELAIS_HISTORY_SECONDS=N in the environment: for N seconds instead of the default.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "absl/strings/numbers.h"
#include "services/consent/testing/history.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_PERMIT;
using ::testing::IsEmpty;
using testing::Operation;
using testing::PoolWorld;
using ::testing::SizeIs;
using testing::Violations;

constexpr int kPersons = 2;
constexpr int kCheckers = 3;  // for each person, beside who agrees and withdraws
constexpr int kDefaultSeconds = 4;
constexpr auto kBetweenRestarts = std::chrono::milliseconds(400);

Operation Op(Operation::Kind kind, uint64_t called, uint64_t answered, uint64_t revision,
             bool permitted = false) {
  Operation operation;
  operation.kind = kind;
  operation.called = called;
  operation.answered = answered;
  operation.revision = revision;
  operation.permitted = permitted;
  return operation;
}

// ---- the checker can say no

using Kind = Operation::Kind;

TEST(HistoryChecker, AcceptsWhatOneOrderExplains) {
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kCheck, 3, 4, 11, true)}), IsEmpty());
  // At the same time as the withdrawal: before it.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 6, 12),
                          Op(Kind::kCheck, 4, 7, 11, true)}),
              IsEmpty());
  // An agreement that failed may have happened; a withdrawal that failed may not.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, Operation::kNever, 0), Op(Kind::kCheck, 3, 4, 11, true)}),
              IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, Operation::kNever, 0),
                          Op(Kind::kCheck, 4, 5, 12, true)}),
              IsEmpty());
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 12),
                          Op(Kind::kAgree, 5, 6, 13), Op(Kind::kCheck, 7, 8, 14, true)}),
              IsEmpty());
}

TEST(HistoryChecker, FindsAPermitThatNothingExplains) {
  EXPECT_THAT(Violations({Op(Kind::kCheck, 3, 4, 11, true)}), SizeIs(1));
  // Answered before she agreed.
  EXPECT_THAT(Violations({Op(Kind::kCheck, 1, 2, 9, true), Op(Kind::kAgree, 3, 4, 10)}), SizeIs(1));
  // Called after the withdrawal was answered, whatever revision it names.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 12),
                          Op(Kind::kCheck, 5, 6, 11, true)}),
              SizeIs(1));
  // At the withdrawal's revision, though it was under way.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 6, 12),
                          Op(Kind::kCheck, 4, 7, 12, true)}),
              SizeIs(1));
  // The agreement that follows is of a later revision than the check's.
  EXPECT_THAT(Violations({Op(Kind::kAgree, 1, 2, 10), Op(Kind::kWithdraw, 3, 4, 12),
                          Op(Kind::kAgree, 5, 9, 15), Op(Kind::kCheck, 6, 8, 13, true)}),
              SizeIs(1));
}

// ---- the service

uint64_t SizeOf(const std::string& revision) {
  uint64_t size = 0;
  EXPECT_TRUE(absl::SimpleAtoi(revision.substr(revision.rfind(':') + 1), &size));
  return size;
}

Settings OneDecoded() {
  Settings settings;
  settings.cached_persons = 1;
  return settings;
}

// One process at a time. A restart lets the calls under way end and holds back new ones.
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
  void Restart() {
    std::unique_lock lock(mu_);
    restarting_ = true;
    changed_.wait(lock, [&] { return under_way_ == 0; });
    world_.Restart();
    restarting_ = false;
    changed_.notify_all();
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int under_way_ = 0;
  bool restarting_ = false;
  // With room for one decoded person: the others are packed and unpacked all the time.
  PoolWorld world_{PoolWorld::DefaultOptions(), OneDecoded()};
};

// What happened to one person.
struct Person {
  common::v1::PersonRef ref;
  std::mutex mu;
  std::vector<Operation> history;

  void Add(const Operation& operation) {
    const std::lock_guard lock(mu);
    history.push_back(operation);
  }
};

struct Scene {
  Restarting suite;
  std::atomic<uint64_t> clock = 1;
  std::atomic<bool> over = false;
  std::atomic<uint64_t> permits = 0;
};

// Failures are of a process that died; anything else is a finding.
bool Lost(const absl::Status& status) {
  EXPECT_TRUE(status.ok() || absl::IsUnavailable(status) || absl::IsCancelled(status) ||
              absl::IsFailedPrecondition(status) || absl::IsResourceExhausted(status))
      << status;
  return !status.ok();
}

template <typename Call>
void Record(Scene& run, Person& person, Operation operation, Call call) {
  operation.called = run.clock++;
  const uint64_t revision = call(operation);
  if (revision != 0) {
    operation.revision = revision;
    operation.answered = run.clock++;
  }
  person.Add(operation);
}

void CheckOnAndOn(Scene& run, Person& person, bool recorded) {
  const v1::CheckRequest request = PoolWorld::CheckFor(person.ref, !recorded);
  while (!run.over) {
    Operation check;
    check.at_least = !recorded;
    Record(run, person, check, [&](Operation& operation) -> uint64_t {
      const auto response = run.suite.During([&](PoolWorld& world) {
        return BlockOn(world.service().checks().Check(world.As("ville-paris"), request));
      });
      if (Lost(response.status())) {
        return 0;
      }
      operation.permitted = response->decision() == DECISION_PERMIT;
      run.permits += operation.permitted ? 1 : 0;
      return SizeOf(response->revision());
    });
  }
}

// Agrees and withdraws in turn, sometimes twice; repeats under the same id after a failure as a desk would,
// or goes on with another.
void ChangeHerMind(Scene& run, Person& person, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; !run.over; ++i) {
    const bool agrees = random() % 2 == 0;
    Operation operation;
    operation.kind = agrees ? Kind::kAgree : Kind::kWithdraw;
    const std::string id = "act-" + std::to_string(i - (i > 0 && random() % 8 == 0 ? 1 : 0));
    Record(run, person, operation, [&](Operation&) -> uint64_t {
      if (agrees) {
        const auto response = run.suite.During([&](PoolWorld& world) {
          return BlockOn(world.service().agreements().RecordConsent(world.As("ville-paris"),
                                                                    PoolWorld::ConsentFor(person.ref, id)));
        });
        return Lost(response.status()) ? 0 : SizeOf(response->written().revision());
      }
      v1::WithdrawConsentRequest request;
      request.set_request_id(id);
      *request.mutable_person() = person.ref;
      request.add_lines();
      const auto response = run.suite.During([&](PoolWorld& world) {
        return BlockOn(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
      });
      return Lost(response.status()) ? 0 : SizeOf(response->written().revision());
    });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
  }
}

int Seconds() {
  int seconds = 0;
  const char* text = std::getenv("RELAIS_HISTORY_SECONDS");
  return text != nullptr && absl::SimpleAtoi(text, &seconds) && seconds > 0 ? seconds : kDefaultSeconds;
}

// The log in its order: a recorded check permits exactly between an agreement and the next withdrawal.
void ExpectLogAgrees(PoolWorld& world, const std::vector<std::unique_ptr<Person>>& persons) {
  std::map<std::string, bool> agreed;
  for (const auto& leaf : world.Leaves()) {
    const std::string person = leaf.details.subject().id();
    switch (leaf.leaf.header.event_class()) {
      case audit::v1::EVENT_CLASS_CONSENT_RECORDED:
        agreed[person] = true;
        break;
      case audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN:
        agreed[person] = false;
        break;
      case audit::v1::EVENT_CLASS_CHECK_DECIDED:
        EXPECT_EQ(leaf.leaf.header.decision() == DECISION_PERMIT, agreed[person]) << leaf.index;
        break;
      default:
        break;
    }
  }
  EXPECT_LE(agreed.size(), persons.size());
}

TEST(WithdrawalHistory, NoPermitAtOrAfterAWithdrawalAcrossRestarts) {
  Scene run;
  std::vector<std::unique_ptr<Person>> persons;
  std::vector<std::thread> threads;
  for (int i = 0; i < kPersons; ++i) {
    v1::RegisterRequest registration;
    registration.set_request_id("r" + std::to_string(i));
    registration.set_own_identifier("case-" + std::to_string(i));
    const auto person = run.suite.During([&](PoolWorld& world) {
      return BlockOn(world.service().persons().Register(world.As("ville-paris"), registration));
    });
    ASSERT_TRUE(person.ok()) << person.status();
    persons.push_back(std::make_unique<Person>());
    persons.back()->ref = person->person();
  }
  for (size_t i = 0; i < persons.size(); ++i) {
    Person& person = *persons[i];
    threads.emplace_back([&run, &person, i] { ChangeHerMind(run, person, 20261125 + i); });
    for (int k = 0; k < kCheckers; ++k) {
      threads.emplace_back([&run, &person, k] { CheckOnAndOn(run, person, k % 2 == 0); });
    }
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(Seconds());
  int restarts = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kBetweenRestarts);
    run.suite.Restart();
    ++restarts;
  }
  run.over = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  size_t operations = 0;
  for (const auto& person : persons) {
    EXPECT_THAT(Violations(person->history), IsEmpty());
    operations += person->history.size();
  }
  ExpectLogAgrees(run.suite.world(), persons);
  EXPECT_GT(restarts, 2);
  EXPECT_GT(run.permits.load(), 20u);
  RecordProperty("operations", static_cast<int>(operations));
}

}  // namespace
}  // namespace relais::consent
