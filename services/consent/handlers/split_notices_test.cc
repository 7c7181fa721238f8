// After a split: what was permitted under one name on the other human's word is to be erased (ADR 40).
#include <gtest/gtest.h>

#include <set>

#include "services/consent/erasure_notices.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::kPermit;
using testing::Merge;
using testing::Recorded;
using testing::Ref;
using testing::Several;
using testing::SimWorld;
using testing::Split;
using testing::Two;

void Pass(SimWorld& world) { world.harness().sim().RunFor(absl::Seconds(1)); }

void Follow(SimWorld& world) {
  ErasureNotices notices(world.service().registry());
  world.Follow(notices);
}
// About whom the CAF owes an answer, by its handles.
std::multiset<std::string> Owed(SimWorld& world) {
  v1::ListObligationsRequest request;
  request.set_kind(v1::DUTY_KIND_ANSWER_ERASURE);
  const auto page = world.Run(world.service().duties().ListObligations(world.As("caf"), request));
  SimWorld::Require(page.status());
  std::multiset<std::string> handles;
  for (const v1::Duty& duty : page->obligations()) {
    EXPECT_EQ(duty.erase_size(), 1);
    handles.insert(duty.person().handle());
  }
  return handles;
}
std::string AtCaf(SimWorld& world, const Ref& name) {
  return rpc::HandleFor(world.context(), "caf", world.IdOf(name)).handle();
}

TEST(SplitNotices, OfWhatRestedOnTheOthersAgreement) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(Recorded(world, two.a), kPermit) << "on her own";
  ASSERT_EQ(Recorded(world, two.b), kPermit);
  ASSERT_EQ(Recorded(world, two.b), kPermit);
  Follow(world);
  EXPECT_TRUE(Owed(world).empty());
  Pass(world);
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  Follow(world);
  const std::multiset<std::string> of_b = {AtCaf(world, two.b)};
  EXPECT_EQ(Owed(world), of_b);
  world.Restart();
  Follow(world);
  EXPECT_EQ(Owed(world), of_b) << "once";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASURE_ASKED), 1u);
}

TEST(SplitNotices, NotOfWhatHerOwnWordPermitsByThen) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(Recorded(world, two.b), kPermit);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c2")).ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  Follow(world);
  EXPECT_TRUE(Owed(world).empty());
}

TEST(SplitNotices, UnderTheNamesOfWhoStaysAndOfWhoGoesAlong) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 4);  // C and A stay, B and E leave
  const Ref& a = names[0];
  const Ref& b = names[1];
  const auto link = Merge(world, a, b, "m1");
  ASSERT_TRUE(link.ok());
  ASSERT_TRUE(Merge(world, b, names[2], "m2").ok());
  ASSERT_TRUE(Merge(world, a, names[3], "m3").ok());
  Pass(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(a, "c1")).ok());
  ASSERT_EQ(Recorded(world, names[2]), kPermit);
  ASSERT_EQ(Recorded(world, names[3]), kPermit) << "whose agreement it stays";
  ASSERT_TRUE(Split(world, link->link_id()).ok());
  Follow(world);
  EXPECT_EQ(Owed(world), (std::multiset<std::string>{AtCaf(world, names[2])}));
}

TEST(SplitNotices, UnderTheNameOfOneWhoIsLinkedToWhoStays) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 3);
  const auto link = Merge(world, names[0], names[1], "m1");
  ASSERT_TRUE(link.ok());
  ASSERT_TRUE(Merge(world, names[0], names[2], "m2").ok());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(names[1], "c1")).ok());
  ASSERT_EQ(Recorded(world, names[2]), kPermit);
  ASSERT_TRUE(Split(world, link->link_id()).ok());
  Follow(world);
  EXPECT_EQ(Owed(world), (std::multiset<std::string>{AtCaf(world, names[2])}));
}

TEST(SplitNotices, TheFollowerDoesItByItself) {
  SimWorld world;
  ASSERT_TRUE(world.service().Start().ok());
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(Recorded(world, two.b), kPermit);
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  world.harness().sim().RunFor(absl::Seconds(2));
  EXPECT_EQ(Owed(world).size(), 1u);
  world.Run(world.service().Stop());
}

}  // namespace
}  // namespace relais::consent
