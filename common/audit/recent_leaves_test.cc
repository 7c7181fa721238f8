#include "common/audit/recent_leaves.h"

#include <gtest/gtest.h>

namespace relais::audit::internal {
namespace {

RecentLeaves::Leaf Leaf(const std::string& bytes, const std::string& subject = "") {
  return std::make_shared<RecentLeaf>(
      RecentLeaf{bytes, merkle::HashLeaf(bytes), subject, std::make_shared<DraftedLeaf>()});
}

std::string Bytes(const std::vector<RecentLeaves::Leaf>& leaves) {
  std::string all;
  for (const RecentLeaves::Leaf& leaf : leaves) {
    all += leaf->bytes;
  }
  return all;
}

TEST(RecentLeavesTest, GivesARunFromWhereItIsAsked) {
  RecentLeaves recent;
  EXPECT_TRUE(recent.Read(0, 10).empty());
  recent.Add(7, {Leaf("h"), Leaf("i")});
  recent.Add(9, {Leaf("j")});
  EXPECT_EQ(Bytes(recent.Read(7, 10)), "hij");
  EXPECT_EQ(Bytes(recent.Read(8, 1)), "i");
  EXPECT_TRUE(recent.Read(6, 10).empty());  // the store has it
  EXPECT_TRUE(recent.Read(10, 10).empty());
  EXPECT_TRUE(recent.Read(7, 0).empty());
}

TEST(RecentLeavesTest, AGapBeginsAnew) {
  RecentLeaves recent;
  recent.Add(0, {Leaf("a")});
  recent.Add(5, {Leaf("f")});
  EXPECT_TRUE(recent.Read(0, 10).empty());
  EXPECT_EQ(Bytes(recent.Read(5, 10)), "f");
}

TEST(RecentLeavesTest, IsBoundedInLeavesAndBytes) {
  RecentLeaves recent;
  for (uint64_t i = 0; i < 2 * RecentLeaves::kMostLeaves; ++i) {
    recent.Add(i, {Leaf("x")});
  }
  EXPECT_TRUE(recent.Read(RecentLeaves::kMostLeaves - 1, 1).empty());
  EXPECT_EQ(recent.Read(RecentLeaves::kMostLeaves, SIZE_MAX).size(), RecentLeaves::kMostLeaves);
  RecentLeaves large;
  const std::string leaf(size_t{1} << 20, 'x');
  for (uint64_t i = 0; i < 10; ++i) {
    large.Add(i, {Leaf(leaf)});
  }
  EXPECT_TRUE(large.Read(5, 10).empty());
  EXPECT_EQ(large.Read(6, 10).size(), RecentLeaves::kMostBytes >> 20);
}

TEST(RecentLeavesTest, ForgetsWhatItKnowsOfTheErased) {
  RecentLeaves recent;
  recent.Add(0, {Leaf("a", "her"), Leaf("b", "him"), Leaf("c")});
  recent.Forget({"her"});
  const auto leaves = recent.Read(0, 10);
  EXPECT_EQ(Bytes(leaves), "abc");
  EXPECT_EQ(leaves.at(0)->hash, merkle::HashLeaf("a"));
  EXPECT_EQ(leaves.at(0)->drafted, nullptr);
  EXPECT_NE(leaves.at(1)->drafted, nullptr);
  EXPECT_NE(leaves.at(2)->drafted, nullptr);
}

}  // namespace
}  // namespace relais::audit::internal
