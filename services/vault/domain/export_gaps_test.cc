#include "services/vault/domain/export_gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace relais::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::map<PaperVersion, uint64_t> kDeposited = {{{"a", 1}, 3}, {{"a", 2}, 7}, {{"b", 1}, 5}};

TEST(ExportGaps, WhatWasDepositedIsThereOrNamed) {  // D-3.4
  EXPECT_THAT(LackingPapers({}, {}, {}, false), IsEmpty());
  EXPECT_THAT(LackingPapers(kDeposited, {{"a", 1}, {"a", 2}, {"b", 1}}, {}, false), IsEmpty());
  EXPECT_THAT(LackingPapers(kDeposited, {{"a", 1}, {"a", 2}}, {}, false), ElementsAre("b"));
  EXPECT_THAT(LackingPapers(kDeposited, {{"a", 2}, {"b", 1}}, {}, false), ElementsAre("a"));
  EXPECT_THAT(LackingPapers(kDeposited, {}, {}, false), ElementsAre("a", "b"));
}

TEST(ExportGaps, WhatWasDestroyedDoesNotLack) {
  EXPECT_THAT(LackingPapers(kDeposited, {{"b", 1}}, {{"a", 9}}, false), IsEmpty());
  EXPECT_THAT(LackingPapers(kDeposited, {{"b", 1}}, {{"c", 9}}, false), ElementsAre("a"));
}

TEST(ExportGaps, ACurrentVersionIsTheOneDepositedLast) {
  EXPECT_THAT(LackingPapers(kDeposited, {{"a", 2}, {"b", 1}}, {}, true), IsEmpty());
  // Its record was put back to what it was before.
  EXPECT_THAT(LackingPapers(kDeposited, {{"a", 1}, {"b", 1}}, {}, true), ElementsAre("a"));
  EXPECT_THAT(LackingPapers(kDeposited, {{"a", 2}}, {}, true), ElementsAre("b"));
}

}  // namespace
}  // namespace relais::vault
