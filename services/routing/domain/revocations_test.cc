#include "services/routing/domain/revocations.h"

#include <gtest/gtest.h>

namespace relais::routing {
namespace {

Id128 Person(char letter) { return *Id128::FromBytes(std::string(Id128::kSize, letter)); }

TEST(Revocations, APermitDecidedBeforeTheRevokingLeafIsVoid) {
  Revocations revocations(absl::Minutes(10));
  EXPECT_TRUE(revocations.Stands(Person('a'), 0));
  revocations.Note(Person('a'), 7, absl::ZeroDuration());
  EXPECT_FALSE(revocations.Stands(Person('a'), 6));
  EXPECT_FALSE(revocations.Stands(Person('a'), 7));  // at size 7 leaf 7 is not yet there
  EXPECT_TRUE(revocations.Stands(Person('a'), 8));
  EXPECT_TRUE(revocations.Stands(Person('b'), 0));
}

TEST(Revocations, TheLastOneCounts) {
  Revocations revocations(absl::Minutes(10));
  revocations.Note(Person('a'), 7, absl::Seconds(1));
  revocations.Note(Person('a'), 20, absl::Seconds(2));
  EXPECT_FALSE(revocations.Stands(Person('a'), 10));
  EXPECT_TRUE(revocations.Stands(Person('a'), 21));
}

// A link's leaf is about one of several persons; what is said of another may be followed first.
TEST(Revocations, WhateverOrderTheyAreFollowedIn) {
  Revocations revocations(absl::Minutes(10));
  revocations.Note(Person('a'), 20, absl::Seconds(1));
  revocations.Note(Person('a'), 7, absl::Seconds(2));
  EXPECT_FALSE(revocations.Stands(Person('a'), 10));
  EXPECT_TRUE(revocations.Stands(Person('a'), 21));
}

TEST(Revocations, ForgetsWhenNoPermitCanBeThatOld) {
  Revocations revocations(absl::Minutes(10));
  revocations.Note(Person('a'), 7, absl::ZeroDuration());
  revocations.Note(Person('a'), 9, absl::Minutes(6));
  revocations.Note(Person('b'), 11, absl::Minutes(10));
  EXPECT_FALSE(revocations.Stands(Person('a'), 3));  // noted again since
  revocations.Note(Person('b'), 12, absl::Minutes(17));
  EXPECT_TRUE(revocations.Stands(Person('a'), 3));
  EXPECT_FALSE(revocations.Stands(Person('b'), 12));
}

}  // namespace
}  // namespace relais::routing
