// Her words under several names: what a yes under one answers of a no under another (ADR 40).
#include <gtest/gtest.h>

#include "services/consent/handlers/linking.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::Crashing;
using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::Recorded;
using testing::Ref;
using testing::Refuse;
using testing::SimWorld;
using testing::Split;
using testing::Two;

// ADR 40: a yes from before the link answers no no of the other name.
TEST(Merge, AYesFromBeforeTheLinkAnswersNoNoOfTheOther) {
  for (const bool b_refuses : {true, false}) {
    SimWorld world;
    const Two two(world);
    const Ref& refuses = b_refuses ? two.b : two.a;
    const Ref& agrees = b_refuses ? two.a : two.b;
    ASSERT_TRUE(Refuse(world, refuses, "r1").ok());
    world.harness().sim().RunFor(absl::Hours(24));
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(agrees, "c1")).ok());
    world.harness().sim().RunFor(absl::Hours(24));
    ASSERT_EQ(Recorded(world, agrees), kPermit);
    const auto merged = Merge(world, two.a, two.b);
    ASSERT_TRUE(merged.ok());
    for (const Ref& name : {two.a, two.b}) {
      EXPECT_EQ(world.Decision(SimWorld::CheckFor(name)), kDeny);
      EXPECT_EQ(Recorded(world, name), kDeny);
    }
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(agrees, "c2")).ok());
    world.Restart();  // as it is stored
    for (const Ref& name : {two.a, two.b}) {
      EXPECT_EQ(Recorded(world, name), kPermit) << "she answers it now";
    }
    ASSERT_TRUE(Split(world, merged->link_id()).ok());
    EXPECT_EQ(Recorded(world, agrees), kPermit);
    EXPECT_EQ(Recorded(world, refuses), kDeny) << "another's yes";
  }
}

// Between the two commits of a link A reads herself alone: what she says then is not said by both.
TEST(Merge, AYesBetweenTheTwoCommitsOfALinkAnswersNoNoOfTheOther) {
  int in_between = 0;
  for (uint64_t step = 0; step < 30; ++step) {
    Crashing crashing(step);
    SimWorld world(crashing.options);
    const Two two(world);
    ASSERT_TRUE(Refuse(world, two.b, "r1").ok());
    *crashing.armed = true;
    const bool done = Merge(world, two.a, two.b).ok();
    world.Restart();
    if (done) {
      EXPECT_GT(in_between, 0);
      return;
    }
    world.harness().sim().RunFor(absl::Hours(1));
    Store& store = world.service().registry().store;
    const bool frozen = store.LoadOwn(world.IdOf(two.b))->state->linked_to().has_value();
    const bool listed = store.LoadOwn(world.IdOf(two.a))->state->HasLinked();
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
    ASSERT_TRUE(Merge(world, two.a, two.b).ok());
    if (!listed) {
      in_between += frozen ? 1 : 0;
      EXPECT_EQ(Recorded(world, two.a), kDeny) << step;
      EXPECT_EQ(Recorded(world, two.b), kDeny) << step;
    }
  }
  FAIL() << "it never ended";
}

}  // namespace
}  // namespace relais::consent
