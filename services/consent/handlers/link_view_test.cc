// What a steward sees of a link: intervals of sides, told apart by leaf index (ADR 40).
#include "services/consent/handlers/link_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/consent/testing/hooked_store.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using testing::Hooked;
using testing::kDeny;
using testing::kPermit;
using testing::Merge;
using testing::Recorded;
using testing::Ref;
using testing::Several;
using testing::SimWorld;
using testing::Split;
using testing::Two;

void Pass(SimWorld& world) { world.harness().sim().RunFor(absl::Seconds(1)); }

absl::StatusOr<v1::GetLinkImpactResponse> ImpactAs(SimWorld& world, const std::string& institution,
                                                   const std::string& link) {
  v1::GetLinkImpactRequest request;
  request.set_link_id(link);
  return world.Run(world.service().links().GetLinkImpact(world.As(institution, "steward"), request));
}
uint32_t Total(SimWorld& world, const std::string& institution, const std::string& link) {
  const auto impact = ImpactAs(world, institution, link);
  SimWorld::Require(impact.status());
  EXPECT_EQ(static_cast<int>(impact->links(0).disclosures_total()), impact->links(0).disclosures_size());
  return impact->links(0).disclosures_total();
}
absl::Status SplitAs(SimWorld& world, const std::string& institution, const std::string& link) {
  v1::SplitRequest request;
  request.set_request_id("s-" + institution + link);
  request.set_link_id(link);
  return world.Run(world.service().links().Split(world.As(institution, "steward"), request)).status();
}
// By a steward of neither institution.
std::string Confirmed(SimWorld& world, const Id128& one, const Id128& other) {
  LinkWish wish;
  wish.one = one;
  wish.other = other;
  wish.link = world.context().random.Id();
  wish.cause = v1::LINK_CAUSE_CONFIRMED;
  wish.at = world.log().Now();
  wish.event.institution = "service/consent";
  const Id128 link = wish.link;
  const auto linked = world.Run(LinkPersons(world.service().registry().files(), std::move(wish)));
  SimWorld::Require(linked.status());
  EXPECT_EQ(linked->result, LinkResult::kLinked);
  return link.ToHex();
}

// A and B of the Ville; D, of whom the CAF alone has a record, was one with them for a while.
class WhoLeftBefore : public ::testing::Test {
 protected:
  WhoLeftBefore() {
    const auto merged = Merge(world, two.a, two.b);
    SimWorld::Require(merged.status());
    link = merged->link_id();
    const auto of_caf = world.Register("r9", "C-1", {}, "caf");
    SimWorld::Require(of_caf.status());
    const Id128 id = world.IdOf(of_caf->person(), "caf");
    d = rpc::HandleFor(world.context(), "ville-paris", id);
    SimWorld::Require(world.Record(SimWorld::ConsentFor(d, "c0")).status());
    EXPECT_EQ(Recorded(world, d), kPermit) << "before she came";
    Pass(world);
    for_a_while = Confirmed(world, world.IdOf(two.a), id);
    EXPECT_EQ(Recorded(world, d), kPermit);
    EXPECT_EQ(Recorded(world, two.b), kPermit) << "on her agreement";
    EXPECT_EQ(Total(world, "caf", link), 2u) << "while she is one of them";
    Pass(world);
    SimWorld::Require(Split(world, for_a_while, "s2").status());
    EXPECT_EQ(Recorded(world, d), kPermit) << "after she left";
    SimWorld::Require(world.Record(SimWorld::ConsentFor(two.a, "c1")).status());
    EXPECT_EQ(Recorded(world, two.a), kPermit);
    Pass(world);
  }

  SimWorld world;
  const Two<SimWorld> two{world};
  Ref d;
  std::string link;
  std::string for_a_while;
};

TEST_F(WhoLeftBefore, NothingOfHersFromBeforeOrAfterIsShown) {
  EXPECT_EQ(Total(world, "ville-paris", link), 3u) << "two while she was one of them, and A's since";
  EXPECT_EQ(Total(world, "ville-paris", for_a_while), 2u);
}

TEST_F(WhoLeftBefore, SheGivesNoMandateOverALinkThatGoesOn) {
  EXPECT_EQ(ImpactAs(world, "caf", link).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(SplitAs(world, "caf", link).code(), absl::StatusCode::kNotFound);
  v1::GetLinkImpactRequest of_her;
  *of_her.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(d));
  const auto hers = world.Run(world.service().links().GetLinkImpact(world.As("caf", "steward"), of_her));
  ASSERT_TRUE(hers.ok()) << hers.status();
  ASSERT_EQ(hers->links_size(), 1) << "her own";
  EXPECT_EQ(hers->links(0).link_id(), for_a_while);
  EXPECT_EQ(hers->links(0).disclosures_total(), 2u);
}

TEST_F(WhoLeftBefore, OfOneThatEndedHerInstitutionSeesHerTimeAlone) {
  ASSERT_TRUE(Split(world, link, "s3").ok());
  EXPECT_EQ(Total(world, "ville-paris", link), 3u);
  EXPECT_EQ(Total(world, "caf", link), 2u);
}

// Whoever came later is of no concern to one that ended before.
TEST(LinkView, WhoCameAfterItsEndIsNoSide) {
  SimWorld world;
  const Two two(world);
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  Pass(world);  // within what a clock may err
  const auto of_caf = world.Register("r9", "C-1", {}, "caf");
  ASSERT_TRUE(of_caf.ok());
  Confirmed(world, world.IdOf(two.a), world.IdOf(of_caf->person(), "caf"));
  EXPECT_EQ(ImpactAs(world, "caf", merged->link_id()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(SplitAs(world, "caf", merged->link_id()).code(), absl::StatusCode::kNotFound);
}

// E was said to be one with B, who left A: what rested on E's agreement under A's name is of that link too.
TEST(LinkView, ALinkThatWentAlongTellsOfWhereItStoodBefore) {
  SimWorld world;
  const std::vector<Ref> names = Several(world, 3);
  const Ref& a = names[0];
  const Ref& b = names[1];
  const Ref& e = names[2];
  const auto first = Merge(world, a, b, "m1");
  ASSERT_TRUE(first.ok());
  Pass(world);
  const auto second = Merge(world, b, e, "m2");
  ASSERT_TRUE(second.ok());
  Pass(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(e, "c1")).ok());
  ASSERT_EQ(Recorded(world, a), kPermit);
  Pass(world);
  ASSERT_TRUE(Split(world, first->link_id(), "s1").ok());
  Pass(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(a, "c2")).ok());
  ASSERT_EQ(Recorded(world, a), kPermit) << "her own";
  ASSERT_EQ(Recorded(world, b), kPermit);
  EXPECT_EQ(Total(world, "ville-paris", second->link_id()), 2u);
  EXPECT_EQ(Total(world, "ville-paris", first->link_id()), 1u);
  Pass(world);
  const auto split = Split(world, second->link_id(), "s2");
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->impact().disclosures_total(), 2u);
  ASSERT_EQ(Recorded(world, e), kPermit);
  EXPECT_EQ(Total(world, "ville-paris", second->link_id()), 2u);
}

Task<bool> AskLater(SimWorld& world, v1::CheckRequest request) {
  co_await Sleep(world.harness().executor(), absl::Seconds(1));
  const rpc::Call call = world.As("ville-paris");
  const absl::StatusOr<v1::CheckResponse> answer =
      co_await world.service().checks().Check(call, std::move(request));
  co_return answer.ok() && answer->decision() == kPermit;
}

// It changes nothing that the split's commit is guarded by, and its instant is later than the split's.
TEST(LinkView, APermitBetweenASplitsInstantAndItsCommitIsTold) {
  SimWorld world;
  const Two two(world);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.a, "c1")).ok());
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  Hooked<SimWorld> other(world);
  other.store().Before(
      [](const storage::CommitRequest& commit) {
        return std::any_of(commit.batch.begin(), commit.batch.end(), [](const storage::Mutation& row) {
          return row.value && row.key.starts_with("split/");
        });
      },
      [&] { return AskLater(world, SimWorld::CheckFor(two.b, false)); });
  v1::SplitRequest request;
  request.set_request_id("s1");
  request.set_link_id(merged->link_id());
  const auto split = world.Run(other.service().links().Split(world.As("ville-paris", "steward"), request));
  ASSERT_TRUE(split.ok()) << split.status();
  ASSERT_TRUE(other.store().met() && other.store().gave());
  ASSERT_EQ(split->impact().disclosures_total(), 1u);
  EXPECT_GT(split->impact().disclosures(0).time().seconds(), split->impact().until().seconds());
  EXPECT_EQ(Total(world, "ville-paris", merged->link_id()), 1u);
}

// Acts of one instant are put after each other, by microseconds that leaves do not wait for.
TEST(LinkView, APermitWhoseLeafIsEarlierThanTheLinksInstantIsTold) {
  SimWorld world;
  const Two two(world);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(two.b, "c" + std::to_string(i))).ok());
  }
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  ASSERT_EQ(Recorded(world, two.a), kPermit);
  const auto own = world.service().registry().store.LoadOwn(world.IdOf(two.a));
  ASSERT_TRUE(own.ok());
  EXPECT_LT(world.Leaves().back().leaf.time, own->state->links()[0].since);
  EXPECT_EQ(Total(world, "ville-paris", merged->link_id()), 1u);
}

}  // namespace
}  // namespace relais::consent
