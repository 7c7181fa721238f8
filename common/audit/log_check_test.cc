#include "common/audit/log_check.h"

#include <gtest/gtest.h>

#include <string>

namespace relais::audit::internal {
namespace {

merkle::Hash LeafHash(uint64_t i) { return merkle::HashLeaf("leaf " + std::to_string(i)); }

LogState StateAt(uint64_t size, const std::string& origin = "o") {
  merkle::Frontier tree;
  for (uint64_t i = 0; i < size; ++i) {
    tree.Append(LeafHash(i), nullptr);
  }
  return {origin, size, tree.root()};
}

class LogCheckTest : public ::testing::Test {
 protected:
  void ReadTo(uint64_t size) {
    while (check_.read() < size) {
      ASSERT_TRUE(check_.Append(LeafHash(check_.read())).ok());
    }
  }
  LogCheck check_{"", merkle::Frontier()};
};

TEST_F(LogCheckTest, ProvenOnceReadAndApplied) {
  check_.ProbeSent(absl::Seconds(1));
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(3)).ok());
  EXPECT_EQ(check_.origin(), "o");
  ReadTo(2);
  EXPECT_FALSE(check_.Proven(2).has_value());
  ReadTo(3);
  EXPECT_FALSE(check_.Proven(2).has_value());
  EXPECT_EQ(check_.Proven(3), absl::Seconds(1));
  EXPECT_FALSE(check_.Proven(3).has_value());
}

TEST_F(LogCheckTest, SizesPassedWhileTheProbeIsUnderWayAreKnown) {
  ReadTo(5);
  check_.ProbeSent(absl::Seconds(1));
  ReadTo(9);
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(7)).ok());
  EXPECT_EQ(check_.Proven(9), absl::Seconds(1));
}

TEST_F(LogCheckTest, LatestOfSeveralAnswersCounts) {
  for (int i = 1; i <= 3; ++i) {
    check_.ProbeSent(absl::Seconds(i));
    ASSERT_TRUE(check_.ProbeAnswered(StateAt(static_cast<uint64_t>(i) * 2)).ok());
  }
  ReadTo(5);
  EXPECT_EQ(check_.Proven(5), absl::Seconds(2));
  ReadTo(6);
  EXPECT_EQ(check_.Proven(6), absl::Seconds(3));
}

TEST_F(LogCheckTest, ForkIsNoticedBeforeAndAfterTheAnswer) {
  check_.ProbeSent(absl::Seconds(1));
  LogState forked = StateAt(3);
  forked.root[0] ^= 1;
  ASSERT_TRUE(check_.ProbeAnswered(forked).ok());
  ReadTo(2);
  EXPECT_TRUE(absl::IsDataLoss(check_.Append(LeafHash(2))));

  LogCheck other("o", merkle::Frontier());
  other.ProbeSent(absl::Seconds(1));
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(other.Append(LeafHash(i)).ok());
  }
  EXPECT_TRUE(absl::IsDataLoss(other.ProbeAnswered(forked)));
}

TEST_F(LogCheckTest, SmallerSizeThanReadIsARollBack) {
  ReadTo(5);
  check_.ProbeSent(absl::Seconds(1));
  EXPECT_TRUE(absl::IsDataLoss(check_.ProbeAnswered(StateAt(4))));
}

TEST_F(LogCheckTest, SmallerSizeThanAnsweredBeforeIsARollBack) {
  check_.ProbeSent(absl::Seconds(1));
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(8)).ok());
  check_.ProbeSent(absl::Seconds(2));
  EXPECT_TRUE(absl::IsDataLoss(check_.ProbeAnswered(StateAt(7))));
}

TEST_F(LogCheckTest, AnotherOriginIsRefused) {
  check_.ProbeSent(absl::Seconds(1));
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(0)).ok());
  check_.ProbeSent(absl::Seconds(2));
  EXPECT_TRUE(absl::IsDataLoss(check_.ProbeAnswered(StateAt(0, "other"))));
}

TEST_F(LogCheckTest, FailedProbeProvesNothing) {
  check_.ProbeSent(absl::Seconds(1));
  check_.ProbeFailed();
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(0)).ok());
  EXPECT_FALSE(check_.Proven(0).has_value());
}

}  // namespace
}  // namespace relais::audit::internal
