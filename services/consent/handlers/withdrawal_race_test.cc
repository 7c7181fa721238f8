// "After a withdrawal returned revision R, no check at R permits" on real threads: checks of both kinds while
// she agrees and withdraws.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_PERMIT;
using testing::PoolWorld;

constexpr int kRounds = 60;
constexpr int kCheckers = 3;

uint64_t SizeOf(const std::string& revision) {
  uint64_t size = 0;
  EXPECT_TRUE(absl::SimpleAtoi(revision.substr(revision.rfind(':') + 1), &size));
  return size;
}

// Odd: she has withdrawn and been answered; even: she is about to agree, or has. Checkers read it before
// asking and after being answered.
struct Epochs {
  std::atomic<uint64_t> now = 1;
  std::atomic<uint64_t> withdrawn_at = 0;  // the revision of the last withdrawal answered
  std::atomic<bool> over = false;
  std::atomic<int> permits = 0;
  std::atomic<int> broken = 0;
};

void CheckForEver(PoolWorld& world, const v1::CheckRequest& request, Epochs& epochs) {
  while (!epochs.over) {
    const uint64_t before = epochs.now;
    const uint64_t withdrawn_at = epochs.withdrawn_at;
    const auto response = BlockOn(world.service().checks().Check(world.As("ville-paris"), request));
    const uint64_t after = epochs.now;
    if (!response.ok()) {
      ADD_FAILURE() << response.status();
      return;
    }
    if (response->decision() != DECISION_PERMIT) {
      continue;
    }
    ++epochs.permits;
    // Asked after the withdrawal was answered, answered before she agreed again.
    const bool stale = before % 2 == 1 && before == after;
    EXPECT_GE(SizeOf(response->revision()), before % 2 == 1 ? withdrawn_at : 0);
    epochs.broken += stale ? 1 : 0;
  }
}

TEST(WithdrawalRace, NoCheckPermitsOnceTheWithdrawalWasAnswered) {
  PoolWorld world;
  v1::RegisterRequest registration;
  registration.set_request_id("r1");
  registration.set_own_identifier("case-1");
  const auto person = BlockOn(world.service().persons().Register(world.As("ville-paris"), registration));
  ASSERT_TRUE(person.ok()) << person.status();
  Epochs epochs;
  std::vector<std::thread> checkers;
  for (int i = 0; i < kCheckers; ++i) {
    checkers.emplace_back(
        [&, i] { CheckForEver(world, PoolWorld::CheckFor(person->person(), i % 2 == 0), epochs); });
  }
  for (int round = 0; round < kRounds; ++round) {
    ++epochs.now;
    const auto consent = world.Record(PoolWorld::ConsentFor(person->person(), "c" + std::to_string(round)));
    ASSERT_TRUE(consent.ok()) << consent.status();
    const int seen = epochs.permits;
    const absl::Time patience = absl::Now() + absl::Seconds(5);
    while (epochs.permits == seen && absl::Now() < patience) {
      std::this_thread::yield();
    }
    const auto withdrawn = world.WithdrawAll(person->person(), "w" + std::to_string(round));
    ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
    epochs.withdrawn_at = SizeOf(withdrawn->written().revision());
    ++epochs.now;
    // Straight after the answer, from this very thread.
    EXPECT_NE(world.Decision(PoolWorld::CheckFor(person->person())), DECISION_PERMIT);
    EXPECT_NE(world.Decision(PoolWorld::CheckFor(person->person(), false)), DECISION_PERMIT);
  }
  epochs.over = true;
  for (std::thread& checker : checkers) {
    checker.join();
  }
  EXPECT_EQ(epochs.broken, 0);
  EXPECT_GT(epochs.permits, kRounds / 2);

  // The log says the same: between a withdrawal and the next agreement no recorded check permits.
  bool agreed = false;
  for (const auto& leaf : world.Leaves()) {
    switch (leaf.leaf.header.event_class()) {
      case audit::v1::EVENT_CLASS_CONSENT_RECORDED:
        agreed = true;
        break;
      case audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN:
        agreed = false;
        break;
      case audit::v1::EVENT_CLASS_CHECK_DECIDED:
        EXPECT_EQ(leaf.leaf.header.decision() == DECISION_PERMIT, agreed) << leaf.index;
        break;
      default:
        break;
    }
  }
}

}  // namespace
}  // namespace relais::consent
