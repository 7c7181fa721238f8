#include "common/rpc/write_behind.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/testing/sim_executor.h"
#include "gtest/gtest.h"

namespace relais::rpc {
namespace {

constexpr absl::Duration kLong = absl::Minutes(1);

// A client that takes a message a second, up to `most`.
class SlowWriter final : public Writer<std::string> {
 public:
  explicit SlowWriter(Executor& executor) : executor_(executor) {}
  Task<bool> Write(std::string response) override {
    EXPECT_FALSE(under_way_) << "a write was begun before the last had ended";
    under_way_ = true;
    co_await Sleep(executor_, absl::Seconds(1));
    under_way_ = false;
    if (got.size() == most) {
      co_return false;
    }
    got.push_back(response);
    written_ = std::move(response);
    co_return true;
  }
  std::string TakeWritten() override {
    EXPECT_FALSE(under_way_) << "what is on its way is not taken back";
    return std::exchange(written_, "");
  }
  [[nodiscard]] bool cancelled() const override { return false; }

  std::vector<std::string> got;
  size_t most = 1000;

 private:
  Executor& executor_;
  bool under_way_ = false;
  std::string written_;
};

struct Outcome {
  int given = 0;  // messages that Write took
  int given_at_first_second = 0;
  bool went = false;
  uint64_t written = 0;
  bool ended = false;
  std::vector<std::string> again;  // what was there to be filled again, before each message
};

Task<bool> GiveAll(testing::SimExecutor& sim, std::shared_ptr<SlowWriter> out, std::function<bool()> may,
                   int messages, Outcome& outcome) {
  WriteBehind<std::string> writing(sim, std::move(out), std::move(may));
  for (int i = 0; i < messages; ++i) {
    outcome.again.push_back(writing.TakeWritten());
    std::string message = std::to_string(i);
    const bool taken = co_await writing.Write(std::move(message));
    if (!taken) {
      break;
    }
    ++outcome.given;
    if (sim.Monotonic() < absl::Seconds(1)) {
      outcome.given_at_first_second = outcome.given;
    }
  }
  outcome.went = co_await writing.Finish();
  outcome.written = writing.written();
  outcome.ended = true;
  co_return true;
}

class WriteBehindTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  Outcome Run(
      int messages, std::function<bool()> may = [] { return true; }) {
    Outcome outcome;
    Start(GiveAll(sim_, out_, std::move(may), messages, outcome), [](bool /*done*/) {});
    EXPECT_TRUE(sim_.RunUntil([&] { return outcome.ended; }, kLong));
    return outcome;
  }
  testing::SimExecutor sim_{GetParam(), absl::UnixEpoch()};
  std::shared_ptr<SlowWriter> out_ = std::make_shared<SlowWriter>(sim_);
};

TEST_P(WriteBehindTest, AllGoInOrderAndTwoAreTakenBeforeOneHasGone) {
  const Outcome outcome = Run(5);
  EXPECT_EQ(out_->got, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
  EXPECT_TRUE(outcome.went);
  EXPECT_EQ(outcome.written, 5U);
  EXPECT_EQ(outcome.given_at_first_second, 2) << "one on its way, one that waits: no more";
  EXPECT_EQ(sim_.Monotonic(), absl::Seconds(5));
}

// Three are enough: one on its way, one that waits, one that is filled.
TEST_P(WriteBehindTest, WhatHasGoneIsFilledAgain) {
  const Outcome outcome = Run(6);
  EXPECT_EQ(outcome.again, (std::vector<std::string>{"", "", "", "0", "1", "2"}));
}

TEST_P(WriteBehindTest, NothingIsWrittenAfterAClientIsGone) {
  out_->most = 2;
  const Outcome outcome = Run(100);
  EXPECT_EQ(out_->got.size(), 2U);
  EXPECT_FALSE(outcome.went);
  EXPECT_EQ(outcome.written, 2U);
  EXPECT_LT(outcome.given, 5);
}

TEST_P(WriteBehindTest, WhatMayNoLongerBeSaidIsNotSaidThoughItWasTaken) {
  bool may = true;
  Outcome outcome;
  Start(GiveAll(
            sim_, out_, [&] { return may; }, 100, outcome),
        [](bool /*done*/) {});
  sim_.RunFor(absl::Milliseconds(2500));
  may = false;  // the third is on its way; the fourth waits
  EXPECT_TRUE(sim_.RunUntil([&] { return outcome.ended; }, kLong));
  EXPECT_EQ(out_->got.size(), 3U);
  EXPECT_FALSE(outcome.went);
  EXPECT_EQ(outcome.written, 3U);
  EXPECT_EQ(outcome.given, 4);
}

TEST_P(WriteBehindTest, NothingToWriteEndsAtOnce) {
  const Outcome outcome = Run(0);
  EXPECT_TRUE(outcome.went);
  EXPECT_EQ(outcome.written, 0U);
}

INSTANTIATE_TEST_SUITE_P(Orders, WriteBehindTest, ::testing::Range<uint64_t>(1, 20));

}  // namespace
}  // namespace relais::rpc
