#include "tests/bench/vault/chains.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace relais::bench {
namespace {

class ChainsTest : public ::testing::Test {
 protected:
  std::array<Chain, 2> slots_;
  Chains chains_{{&slots_[0], &slots_[1]}};
  std::vector<uint64_t> begun_;
};

TEST_F(ChainsTest, EachIsBegunOnceAndCounted) {
  const auto figure = chains_.Run("chains", 5, [&](int slot) {
    begun_.push_back(slots_[slot].number);
    ASSERT_NE(chains_.Next(slots_[slot]), nullptr);
    ASSERT_NE(chains_.Next(slots_[slot]), nullptr);
    chains_.End(slots_[slot]);
  });
  ASSERT_TRUE(figure.ok()) << figure.status();
  EXPECT_EQ(figure->calls, 5U);
  EXPECT_EQ(begun_, (std::vector<uint64_t>{0, 1, 2, 3, 4}));
}

// So many that their stack would not do if each began within the end of the one before.
TEST_F(ChainsTest, TheFirstErrorEndsThemAll) {
  const auto figure = chains_.Run("chains", 200'000, [&](int slot) {
    begun_.push_back(slots_[slot].number);
    chains_.Fail(slots_[slot], absl::NotFoundError("the cause"));
  });
  EXPECT_EQ(figure.status(), absl::NotFoundError("the cause"));
  EXPECT_EQ(begun_, std::vector<uint64_t>{0});
}

TEST_F(ChainsTest, NoCallBeginsAfterAnErrorAndALaterErrorIsNotTheCause) {
  const auto figure = chains_.Run("chains", 4, [&](int slot) {
    begun_.push_back(slots_[slot].number);
    ASSERT_NE(chains_.Next(slots_[slot]), nullptr);
    if (slot == 0) {
      return;  // under way until the other has begun
    }
    chains_.Fail(slots_[1], absl::NotFoundError("the cause"));
    EXPECT_EQ(chains_.Next(slots_[0]), nullptr);
  });
  EXPECT_EQ(figure.status(), absl::NotFoundError("the cause"));
  EXPECT_EQ(begun_, (std::vector<uint64_t>{0, 1}));
}

TEST_F(ChainsTest, OfTwoErrorsTheFirstIsTheCause) {
  const auto figure = chains_.Run("chains", 2, [&](int slot) {
    if (slot == 1) {
      chains_.Fail(slots_[1], absl::NotFoundError("the cause"));
      chains_.Fail(slots_[0], absl::CancelledError("as a consequence"));
    }
  });
  EXPECT_EQ(figure.status(), absl::NotFoundError("the cause"));
}

}  // namespace
}  // namespace relais::bench
