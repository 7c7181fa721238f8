#include "common/storage/rocksdb/version_cache.h"

#include <gtest/gtest.h>

namespace relais::storage {
namespace {

TEST(VersionCache, TellsAbsentFromUnknown) {
  VersionCache cache(1 << 20);
  EXPECT_EQ(cache.Find("a"), nullptr);
  cache.Put("a", 7);
  cache.Put("b", std::nullopt);
  EXPECT_EQ(*cache.Find("a"), 7);
  ASSERT_NE(cache.Find("b"), nullptr);
  EXPECT_EQ(*cache.Find("b"), std::nullopt);
  cache.Put("a", 8);
  EXPECT_EQ(*cache.Find("a"), 8);
}

TEST(VersionCache, ForgetsTheLeastRecentlyUsedAndOnlyWhenTrimmed) {
  VersionCache cache(400);  // three short keys
  for (int i = 0; i < 10; ++i) {
    cache.Put(std::to_string(i), i);
  }
  EXPECT_NE(cache.Find("0"), nullptr) << "within a group everything is kept; and this is a use";
  cache.Trim();
  EXPECT_EQ(*cache.Find("0"), 0);
  EXPECT_EQ(*cache.Find("9"), 9);
  EXPECT_EQ(*cache.Find("8"), 8);
  EXPECT_EQ(cache.Find("7"), nullptr);
  cache.Put("0", std::nullopt);
  cache.Trim();
  EXPECT_EQ(*cache.Find("0"), std::nullopt);
}

}  // namespace
}  // namespace relais::storage
