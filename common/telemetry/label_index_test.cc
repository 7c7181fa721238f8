#include "common/telemetry/label_index.h"

#include <set>

#include "gtest/gtest.h"

namespace relais::telemetry {
namespace {

size_t At(const LabelIndex& index, LabelValues values) {
  return index.IndexOf(std::span(values.begin(), values.size()));
}

TEST(LabelIndexTest, EveryCombinationHasItsOwnIndex) {
  const LabelIndex index({{"a", {"1", "2"}}, {"b", {"x", "y", "z"}}});
  ASSERT_EQ(index.size(), 12U);
  std::set<size_t> seen;
  for (const char* a : {"1", "2", "other"}) {
    for (const char* b : {"x", "y", "z", "other"}) {
      const size_t i = At(index, {a, b});
      EXPECT_LT(i, index.size());
      EXPECT_TRUE(seen.insert(i).second) << a << b;
      EXPECT_EQ(index.LabelsAt(i), (std::map<std::string, std::string>{{"a", a}, {"b", b}}));
    }
  }
}

TEST(LabelIndexTest, AnUnknownOrMissingValueIsOther) {
  const LabelIndex index({{"a", {"1"}}, {"b", {"x"}}});
  EXPECT_EQ(At(index, {"Marie Martin", "x"}), At(index, {"other", "x"}));
  EXPECT_EQ(At(index, {"1"}), At(index, {"1", "other"}));
  EXPECT_EQ(At(index, {}), At(index, {"other", "other"}));
  EXPECT_EQ(At(index, {"1", "x", "Marie"}), At(index, {"1", "x"}));
}

TEST(LabelIndexTest, OtherMayBeDeclared) {
  const LabelIndex index({{"a", {"other", "1"}}});
  EXPECT_EQ(index.size(), 2U);
  EXPECT_EQ(At(index, {"?"}), At(index, {"other"}));
}

TEST(LabelIndexTest, CountingStopsBeforeItOverflows) {
  std::vector<std::string> many;
  many.reserve(5000);
  for (int i = 0; i < 5000; ++i) many.push_back(std::to_string(i));
  const std::vector<Label> labels(8, Label{"a", many});
  EXPECT_GT(LabelIndex(labels).size(), LabelIndex::kMaxCombinations);
}

}  // namespace
}  // namespace relais::telemetry
