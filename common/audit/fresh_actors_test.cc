#include "common/audit/fresh_actors.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/testing/sim_executor.h"

namespace relais::audit::internal {
namespace {

constexpr absl::CivilMonth kMonth(2026, 1);
constexpr absl::CivilMonth kNext(2026, 2);

class FreshActorsTest : public ::testing::Test {
 protected:
  FreshActorsTest() { (void)actors_->Take(0, 1); }

  static FreshActors::Actor Actor(const std::string& agent, absl::CivilMonth month = kMonth) {
    return std::make_shared<const DraftedActor>(
        DraftedActor{agent, "", absl::FromCivil(month, absl::UTCTimeZone()) + absl::Hours(1)});
  }
  void Add(uint64_t index, const std::string& agent, absl::CivilMonth month = kMonth) {
    actors_->Add({{index, Actor(agent, month)}});
  }
  // Who is there of leaves [from, from + count), in their order, '-' for nobody.
  std::string Take(uint64_t from, size_t count) {
    std::string all;
    for (const FreshActors::Actor& actor : actors_->Take(from, count)) {
      all += actor == nullptr ? "-" : actor->agent;
    }
    return all;
  }

  relais::testing::SimExecutor sim_{1, absl::UnixEpoch()};
  std::shared_ptr<FreshActors> actors_ = std::make_shared<FreshActors>(sim_, sim_);
};

TEST_F(FreshActorsTest, AreTakenOnce) {
  actors_->Add({{3, Actor("a")}, {4, Actor("b")}, {6, Actor("d")}});
  Add(7, "e");
  EXPECT_EQ(Take(3, 4), "ab-d");
  EXPECT_EQ(Take(3, 5), "----e") << "what was taken is gone";
}

TEST_F(FreshActorsTest, WhatTheIndexPassesIsForgotten) {
  actors_->Add({{0, Actor("a")}, {1, Actor("b")}, {2, Actor("c")}});
  EXPECT_EQ(Take(1, 1), "b");
  EXPECT_EQ(Take(0, 3), "--c");
  Add(9, "z");
  EXPECT_EQ(Take(3, 6), "------");
  EXPECT_EQ(Take(9, 1), "z") << "what comes later stays";
}

TEST_F(FreshActorsTest, NothingIsKeptForNobody) {
  const auto unused = std::make_shared<FreshActors>(sim_, sim_);
  unused->Add({{0, Actor("a")}});
  EXPECT_EQ(unused->Take(0, 1).at(0), nullptr);
  unused->Add({{1, Actor("b")}});
  EXPECT_NE(unused->Take(1, 1).at(0), nullptr);
}

TEST_F(FreshActorsTest, NobodyStaysLongerThanAMinute) {
  const FreshActors::Actor first = Actor("a");
  const FreshActors::Actor second = Actor("b");
  actors_->Add({{0, first}});
  sim_.RunFor(absl::Seconds(40));
  actors_->Add({{1, second}});
  sim_.RunFor(absl::Seconds(19));
  EXPECT_EQ(first.use_count(), 2);
  sim_.RunFor(absl::Seconds(2));
  EXPECT_EQ(first.use_count(), 1) << "without anybody asking";
  EXPECT_EQ(second.use_count(), 2);
  sim_.RunFor(absl::Seconds(40));
  EXPECT_EQ(second.use_count(), 1);
  Add(2, "c");
  EXPECT_EQ(Take(0, 3), "---") << "nobody came for a minute: nothing is kept";
  Add(3, "d");
  EXPECT_EQ(Take(3, 1), "d");
}

TEST_F(FreshActorsTest, ALateTimerKeepsNobody) {
  Add(0, "a");
  sim_.Skip(absl::Minutes(2));
  EXPECT_EQ(Take(0, 1), "-");
}

TEST_F(FreshActorsTest, IsBoundedInActorsAndBytes) {
  for (uint64_t i = 0; i <= FreshActors::kMost; ++i) {
    Add(i, "x");
  }
  EXPECT_EQ(Take(0, 2), "-x");
  Add(10'000, std::string(FreshActors::kMostBytes / 2, 'y'));
  Add(10'001, std::string(FreshActors::kMostBytes / 2, 'z'));
  Add(10'002, "w");
  EXPECT_EQ(Take(10'000, 1), "-") << "the oldest goes first";
  EXPECT_EQ(Take(10'001, 1).size(), FreshActors::kMostBytes / 2);
  EXPECT_EQ(Take(10'002, 1), "w");
  Add(10'003, std::string(FreshActors::kMostBytes + 1, 'v'));
  EXPECT_EQ(Take(10'003, 1), "-");
}

TEST_F(FreshActorsTest, AMonthGoesWithItsKey) {
  actors_->Add({{0, Actor("a")}, {1, Actor("b", kNext)}, {2, Actor("c")}});
  actors_->ForgetMonth(kMonth);
  Add(3, "d");
  Add(4, "e", kNext);
  EXPECT_EQ(Take(0, 5), "-b--e") << "nor is what was drafted before and committed after kept";
}

TEST_F(FreshActorsTest, MayEndBeforeItsTimer) {
  Add(0, "a");
  actors_.reset();
  sim_.RunFor(absl::Minutes(2));
}

}  // namespace
}  // namespace relais::audit::internal
