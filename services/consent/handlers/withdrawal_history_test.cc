// "After a withdrawal returned revision R, no check at R or later permits what she withdrew": any thread,
// under load, across restarts. Threads agree, withdraw and check, and others do other things about others;
// between calls the process dies and comes back on the same store; what each of them saw is judged by a
// history checker (testing/history.h), and so is the log.
//
// RELAIS_HISTORY_SECONDS=N in the environment: for N seconds instead of the default.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "services/consent/testing/history.h"
#include "services/consent/testing/history_scene.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_PERMIT;
using ::testing::IsEmpty;
using testing::Lost;
using testing::Meet;
using testing::Operation;
using testing::Person;
using testing::PoolWorld;
using testing::Record;
using testing::Scene;
using testing::SizeOf;
using testing::Violations;
using testing::WorkBeside;

constexpr int kPersons = 2;
constexpr int kCheckers = 3;  // for each person, beside who agrees and withdraws
constexpr int kBeside = 2;
constexpr int kMostRoundsBesideASecond = 100;  // of each
constexpr int kDefaultSeconds = 4;
constexpr auto kBetweenRestarts = std::chrono::milliseconds(400);

using Kind = Operation::Kind;

void CheckOnAndOn(Scene& run, Person& person, bool recorded) {
  const v1::CheckRequest request = PoolWorld::CheckFor(person.ref, !recorded);
  while (!run.over) {
    Operation check;
    check.named = recorded ? Operation::Named::kExactly : Operation::Named::kAtLeast;
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
void ExpectLogAgrees(PoolWorld& world, size_t most_persons) {
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
  EXPECT_LE(agreed.size(), most_persons);
}

TEST(WithdrawalHistory, NoPermitAtOrAfterAWithdrawalAcrossRestarts) {
  Scene run;
  std::vector<std::unique_ptr<Person>> persons;
  std::vector<std::thread> threads;
  for (int i = 0; i < kPersons; ++i) {
    persons.push_back(std::make_unique<Person>());
    Meet(run, "case-" + std::to_string(i), *persons.back());
  }
  for (size_t i = 0; i < persons.size(); ++i) {
    Person& person = *persons[i];
    threads.emplace_back([&run, &person, i] { ChangeHerMind(run, person, 20261125 + i); });
    for (int k = 0; k < kCheckers; ++k) {
      threads.emplace_back([&run, &person, k] { CheckOnAndOn(run, person, k % 2 == 0); });
    }
  }
  const int seconds = Seconds();
  for (int i = 0; i < kBeside; ++i) {
    threads.emplace_back([&run, i, seconds] {
      WorkBeside(run, "beside-" + std::to_string(i), kMostRoundsBesideASecond * seconds);
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
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
  ExpectLogAgrees(run.suite.world(), persons.size() + run.begun_beside.load());
  EXPECT_GT(restarts, 2);
  EXPECT_GT(run.permits.load(), 20u);
  EXPECT_GT(run.rounds_beside.load(), 0u);
  RecordProperty("operations", static_cast<int>(operations));
}

}  // namespace
}  // namespace relais::consent
