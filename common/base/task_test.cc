#include "common/base/task.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "common/base/testing/sim_executor.h"

namespace relais {
namespace {

Task<int> Add(int a, int b) { co_return a + b; }

Task<absl::StatusOr<int>> Half(int x) {
  if (x % 2 != 0) {
    co_return absl::InvalidArgumentError("odd");
  }
  co_return x / 2;
}

Task<absl::StatusOr<int>> Quarter(int x) {
  CO_ASSIGN_OR_RETURN(const int half, co_await Half(x));
  CO_ASSIGN_OR_RETURN(const int quarter, co_await Half(half));
  co_return quarter;
}

Task<int> WaitFor(OneShot<int> value) {
  const int got = co_await value;
  co_return got;
}

Task<bool> SleepThenTrue(Executor& executor) {
  co_await Sleep(executor, absl::Hours(3));
  co_return true;
}

TEST(Task, PropagatesValuesAndErrors) {
  EXPECT_EQ(BlockOn(Add(1, 2)), 3);
  EXPECT_EQ(*BlockOn(Quarter(8)), 2);
  EXPECT_EQ(BlockOn(Quarter(6)).status().message(), "odd");
}

TEST(Task, OneShotResumesOnItsExecutorAndTheFirstValueWins) {
  ThreadPool pool(2);
  OneShot<int> value(pool);
  pool.PostAfter(absl::Milliseconds(5), [value] {
    value.Set(41);
    value.Set(42);
  });
  EXPECT_EQ(BlockOn(WaitFor(value)), 41);
}

TEST(Task, WhenAllKeepsOrderUnderThreads) {
  ThreadPool pool(2);
  std::vector<Task<int>> tasks;
  std::vector<OneShot<int>> values;
  for (int i = 0; i < 100; ++i) {
    values.emplace_back(pool);
    tasks.push_back(WaitFor(values.back()));
  }
  for (int i = 99; i >= 0; --i) {
    pool.Post([v = values[i], i] { v.Set(i); });
  }
  const std::vector<int> got = BlockOn(WhenAll(pool, std::move(tasks)));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(got[i], i);
  }
}

TEST(Task, RunsUnderTheSimulatorsTime) {
  testing::SimExecutor sim(1, absl::UnixEpoch());
  bool done = false;
  Start(SleepThenTrue(sim), [&](bool value) { done = value; });
  EXPECT_FALSE(done);
  EXPECT_TRUE(sim.RunUntil([&] { return done; }, absl::Hours(4)));
  EXPECT_EQ(sim.Now(), absl::UnixEpoch() + absl::Hours(3));
}

}  // namespace
}  // namespace relais
