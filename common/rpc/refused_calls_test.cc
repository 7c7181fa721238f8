#include "common/rpc/refused_calls.h"

#include <gtest/gtest.h>

namespace relais::rpc {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

TEST(RefusedCalls, FirstOnesStandAloneThenTheyAreCounted) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle; ++i) {
    const auto leaves = calls.Note("edf", "S/M", "MISSING_ROLE", kStart + absl::Seconds(i));
    ASSERT_EQ(leaves.size(), 1u);
    EXPECT_EQ(leaves[0].caller, "edf");
    EXPECT_EQ(leaves[0].call.count(), 1u);
    EXPECT_EQ(leaves[0].call.reason(), "MISSING_ROLE");
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(calls.Note("edf", "S/M", "MISSING_ROLE", kStart + absl::Seconds(10)).empty());
  }
  EXPECT_TRUE(calls.Due(kStart + absl::Seconds(59), false).empty());
  const auto due = calls.Due(kStart + absl::Seconds(60), false);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].call.count(), 100u);
  EXPECT_EQ(due[0].call.method(), "S/M");
  EXPECT_TRUE(calls.Due(kStart + absl::Minutes(5), true).empty());
}

TEST(RefusedCalls, ANewMinuteBringsTheOldCount) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle + 3; ++i) {
    calls.Note("edf", "S/M", "A", kStart);
  }
  const auto leaves = calls.Note("edf", "S/M", "A", kStart + absl::Minutes(1));
  ASSERT_EQ(leaves.size(), 2u);
  EXPECT_EQ(leaves[0].call.count(), 3u);
  EXPECT_EQ(leaves[1].call.count(), 1u);
}

TEST(RefusedCalls, CallersAreSeparateAndDifferingReasonsAreLeftOut) {
  RefusedCalls calls;
  for (uint64_t i = 0; i < RefusedCalls::kSingle; ++i) {
    calls.Note("edf", "S/M", "A", kStart);
  }
  calls.Note("edf", "S/M", "A", kStart);
  calls.Note("edf", "S/M", "B", kStart);
  EXPECT_EQ(calls.Note("caf", "S/M", "A", kStart).size(), 1u);
  const auto due = calls.Due(kStart, true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].call.method(), "S/M");
  EXPECT_EQ(due[0].call.reason(), "");
  EXPECT_EQ(due[0].call.count(), 2u);
}

TEST(RefusedCalls, MemoryIsBounded) {
  RefusedCalls calls;
  for (size_t i = 0; i < RefusedCalls::kMostCallers; ++i) {
    EXPECT_EQ(calls.Note("c" + std::to_string(i), "S/M", "A", kStart).size(), 1u);
  }
  EXPECT_TRUE(calls.Note("one more", "S/M", "A", kStart).empty());
  const auto due = calls.Due(kStart, true);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].caller, "");
}

}  // namespace
}  // namespace relais::rpc
