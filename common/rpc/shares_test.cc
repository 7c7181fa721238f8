#include "common/rpc/shares.h"

#include <gtest/gtest.h>

namespace relais::rpc {
namespace {

TEST(Shares, NobodyTakesMoreThanItsShare) {
  Shares shares;
  EXPECT_TRUE(shares.Take("edf", 2));
  EXPECT_TRUE(shares.Take("edf", 2));
  EXPECT_FALSE(shares.Take("edf", 2));
  EXPECT_TRUE(shares.Take("caf", 2));
}

TEST(Shares, WhatIsGivenBackCanBeTakenAgain) {
  Shares shares;
  EXPECT_TRUE(shares.Take("edf", 1));
  EXPECT_FALSE(shares.Take("edf", 1));
  shares.Give("edf");
  EXPECT_TRUE(shares.Take("edf", 1));
  shares.Give("edf");
  shares.Give("edf");  // of nothing: no credit
  EXPECT_TRUE(shares.Take("edf", 1));
  EXPECT_FALSE(shares.Take("edf", 1));
}

}  // namespace
}  // namespace relais::rpc
