#include "common/base/executor.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>

#include "common/base/testing/sim_executor.h"

namespace relais {
namespace {

TEST(ThreadPool, RunsEverythingPostedBeforeStop) {
  std::atomic<int> ran = 0;
  ThreadPool pool(2);
  for (int i = 0; i < 1000; ++i) {
    pool.Post([&] { ++ran; });
  }
  pool.Stop();
  EXPECT_EQ(ran, 1000);
}

TEST(ThreadPool, RunsDelayedWorkInOrderOfDueTime) {
  ThreadPool pool(1);
  std::latch done(2);
  std::vector<int> order;
  pool.PostAfter(absl::Milliseconds(30), [&] {
    order.push_back(2);
    done.count_down();
  });
  pool.PostAfter(absl::Milliseconds(1), [&] {
    order.push_back(1);
    done.count_down();
  });
  done.wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(ThreadPool, AnEarlierTimerIsNotHeldUpByALaterOne) {
  std::array<std::latch, 2> rounds = {std::latch(6), std::latch(6)};
  std::atomic<bool> late = false;
  ThreadPool pool(1);
  pool.PostAfter(absl::Hours(1), [&] { late = true; });
  // Ahead of all that wait, behind some of them, and again once they have run.
  for (std::latch& done : rounds) {
    for (const int due : {20, 25, 10, 15, 30, 5}) {
      pool.PostAfter(absl::Milliseconds(due), [&done] { done.count_down(); });
    }
    done.wait();
  }
  EXPECT_FALSE(late);
}

TEST(ThreadPool, DropsDelayedWorkOnStop) {
  std::atomic<bool> ran = false;
  ThreadPool pool(1);
  pool.PostAfter(absl::Hours(1), [&] { ran = true; });
  pool.Stop();
  EXPECT_FALSE(ran);
}

TEST(SimExecutor, SameSeedSameOrder) {
  auto order = [](uint64_t seed) {
    testing::SimExecutor sim(seed, absl::UnixEpoch());
    std::vector<int> out;
    for (int i = 0; i < 20; ++i) {
      sim.Post([&out, i] { out.push_back(i); });
    }
    sim.RunFor(absl::Seconds(1));
    return out;
  };
  EXPECT_EQ(order(7), order(7));
  EXPECT_NE(order(7), order(8));
}

TEST(SimExecutor, TimeJumpsToTheNextDueFunction) {
  testing::SimExecutor sim(1, absl::UnixEpoch());
  absl::Time seen;
  sim.PostAfter(absl::Hours(5), [&] { seen = sim.Now(); });
  EXPECT_TRUE(sim.RunUntil([&] { return seen != absl::Time(); }, absl::Hours(6)));
  EXPECT_EQ(seen, absl::UnixEpoch() + absl::Hours(5));
  EXPECT_FALSE(sim.RunUntil([] { return false; }, absl::Hours(1)));
}

}  // namespace
}  // namespace relais
