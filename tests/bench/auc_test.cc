#include "tests/bench/auc.h"

#include <gtest/gtest.h>

#include <random>

namespace relais::bench {
namespace {

TEST(Auc, CountsPairsByHand) {
  // Of the nine pairs the positive is higher in five, equal in two.
  const Auc auc = AucOf({3, 1, 4}, {1, 2, 3});
  EXPECT_DOUBLE_EQ(auc.value, (5 + 2 * 0.5) / 9);
}

TEST(Auc, OneSideAboveTheOtherIsOne) {
  EXPECT_DOUBLE_EQ(AucOf({10, 11, 12}, {1, 2, 3}).value, 1);
  EXPECT_DOUBLE_EQ(AucOf({1, 2, 3}, {10, 11, 12}).value, 0);
  EXPECT_DOUBLE_EQ(AucOf({5, 5}, {5, 5, 5}).value, 0.5);
}

TEST(Auc, TheIntervalHoldsAHalfForTheSameDistributionAndNotForAnother) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(0, 0.5);
  std::vector<double> known;
  std::vector<double> unknown;
  for (int i = 0; i < 50'000; ++i) {
    known.push_back(latency(random));
    unknown.push_back(latency(random));
  }
  const Auc same = AucOf(known, unknown);
  EXPECT_LT(same.low(), 0.5);
  EXPECT_GT(same.high(), 0.5);
  EXPECT_NEAR(same.standard_error, 0.0018, 0.0002);  // sqrt(1/12 (1/n + 1/m))
  for (double& value : unknown) {
    value += 0.1;
  }
  EXPECT_LT(AucOf(known, unknown).high(), 0.48);
}

}  // namespace
}  // namespace relais::bench
