#include "services/consent/status_of_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/testing/linking.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using audit::v1::EVENT_CLASS_STATUS_UPDATED;
using ::testing::IsEmpty;
using testing::Merge;
using testing::Ref;
using testing::SimWorld;
using testing::Split;
using testing::Two;
using ::testing::UnorderedElementsAre;

// D-5.6: who is one human is not to be grouped under any name once it was said under one.
class StatusOfNamesTest : public ::testing::Test {
 protected:
  // By the CAF, which knows her by this name.
  void Say(const Ref& person, v1::StatusChange change) {
    v1::UpdateStatusRequest request;
    request.set_request_id("s" + std::to_string(++requests));
    *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
    request.set_change(change);
    SimWorld::Require(world.Run(world.service().statuses().UpdateStatus(world.As("caf"), request)).status());
  }
  // From where it stood, also what is made meanwhile.
  void Follow() {
    for (std::vector<audit::OpenedLeaf> leaves = world.Leaves(followed); !leaves.empty();
         leaves = world.Leaves(followed)) {
      for (const audit::OpenedLeaf& leaf : leaves) {
        audit::FollowedLeaf one;
        one.index = leaf.index;
        one.time = leaf.leaf.time;
        one.header = leaf.leaf.header;
        one.details = leaf.details;
        if (world.service().own().Concerns(one)) {
          SimWorld::Require(world.Run(world.service().own().Apply(std::move(one), true)));
        }
        followed = leaf.index + 1;
      }
    }
  }
  // All of it once more, as after a lost cursor.
  void FollowAgain() { world.Follow(world.service().own()); }
  v1::PersonStatus Resolved(const rpc::Call& call, const Ref& person, const std::string& acting) {
    v1::ResolveRequest request;
    *request.mutable_person() = person;
    if (!acting.empty()) {
      *request.mutable_acting() = SimWorld::Acting(acting);
    }
    const auto found = world.Run(world.service().persons().Resolve(call, request));
    SimWorld::Require(found.status());
    return found->status();
  }
  bool ServicesSee(const Ref& person) {
    return Resolved(world.AsService("routing"), world.RawRef(world.IdOf(person)), "ville-paris")
        .do_not_group();
  }
  // The registry's own leaves from `from` on: about whom, and what holds.
  struct Told {
    Id128 person;
    bool do_not_group = false;
    friend bool operator==(const Told&, const Told&) = default;
  };
  std::vector<Told> ToldSince(uint64_t from) {
    std::vector<Told> all;
    for (const audit::OpenedLeaf& leaf : world.Leaves(from)) {
      v1::StatusUpdated said;
      if (leaf.leaf.header.event_class() != EVENT_CLASS_STATUS_UPDATED ||
          leaf.leaf.header.institution() != "service/consent" || !leaf.details.payload().UnpackTo(&said)) {
        continue;
      }
      EXPECT_FALSE(leaf.details.has_recipient());
      EXPECT_EQ(said.institution(), "service/consent") << "who said it stays where it was said";
      EXPECT_EQ(said.change() == v1::STATUS_CHANGE_DO_NOT_GROUP, said.do_not_group());
      all.push_back({*Id128::FromBytes(leaf.details.subject().id()), said.do_not_group()});
    }
    return all;
  }
  uint64_t Now() { return world.log().state().size; }

  SimWorld world;
  Two<SimWorld> two{world};
  const Id128 a = world.IdOf(two.a);
  const Id128 b = world.IdOf(two.b);
  uint64_t followed = 0;
  int requests = 0;
};

TEST_F(StatusOfNamesTest, SaidUnderOneNameItBindsTheOther) {
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  Follow();
  const uint64_t before = Now();
  Say(two.b, v1::STATUS_CHANGE_DO_NOT_GROUP);
  EXPECT_TRUE(ServicesSee(two.a)) << "at once";
  EXPECT_TRUE(ServicesSee(two.b));
  EXPECT_FALSE(Resolved(world.As("ville-paris"), two.a, "").do_not_group()) << "nobody else is told";
  Follow();
  EXPECT_THAT(ToldSince(before), UnorderedElementsAre(Told{a, true}, Told{b, true}));
  FollowAgain();  // what it says again is what holds
  for (const Told& told : ToldSince(before)) {
    EXPECT_TRUE(told.do_not_group);
  }
  const uint64_t again = Now();
  FollowAgain();
  EXPECT_THAT(ToldSince(again), IsEmpty()) << "once a leaf";
  Follow();
  const uint64_t after = Now();
  Say(two.b, v1::STATUS_CHANGE_MAY_GROUP);
  Follow();
  EXPECT_FALSE(ServicesSee(two.a));
  EXPECT_THAT(ToldSince(after), UnorderedElementsAre(Told{a, false}, Told{b, false}));
}

// One word is enough, and only who said it, where it was said, takes it back.
TEST_F(StatusOfNamesTest, ASecondWordUnderAnotherNameStands) {
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  Say(two.a, v1::STATUS_CHANGE_DO_NOT_GROUP);
  Say(two.b, v1::STATUS_CHANGE_DO_NOT_GROUP);
  Follow();
  const uint64_t before = Now();
  Say(two.b, v1::STATUS_CHANGE_MAY_GROUP);
  Follow();
  EXPECT_TRUE(ServicesSee(two.b));
  EXPECT_THAT(ToldSince(before), UnorderedElementsAre(Told{a, true}, Told{b, true}));
}

TEST_F(StatusOfNamesTest, ALinkAndItsEndTellBothNamesWhatHolds) {
  Say(two.b, v1::STATUS_CHANGE_DO_NOT_GROUP);
  Follow();
  EXPECT_FALSE(ServicesSee(two.a));
  EXPECT_THAT(ToldSince(0), IsEmpty()) << "of one name its own leaf says it";
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_TRUE(ServicesSee(two.a));
  uint64_t from = Now();
  Follow();
  EXPECT_THAT(ToldSince(from), UnorderedElementsAre(Told{a, true}, Told{b, true}));
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  EXPECT_FALSE(ServicesSee(two.a)) << "what was said under a name stays with it";
  EXPECT_TRUE(ServicesSee(two.b));
  from = Now();
  Follow();
  EXPECT_THAT(ToldSince(from), UnorderedElementsAre(Told{a, false}, Told{b, true}));
}

TEST_F(StatusOfNamesTest, NothingIsToldWhereNothingWasSaid) {
  const auto merged = Merge(world, two.a, two.b);
  ASSERT_TRUE(merged.ok());
  Follow();
  ASSERT_TRUE(Split(world, merged->link_id()).ok());
  Follow();
  EXPECT_EQ(world.Count(EVENT_CLASS_STATUS_UPDATED), 0u);
}

TEST_F(StatusOfNamesTest, TheFollowerDoesItByItselfAndARestartDoesNotRepeatIt) {
  ASSERT_TRUE(Merge(world, two.a, two.b).ok());
  ASSERT_TRUE(world.service().Start().ok());
  world.harness().sim().RunFor(absl::Seconds(1));  // past the link
  Say(two.b, v1::STATUS_CHANGE_DO_NOT_GROUP);
  world.harness().sim().RunFor(absl::Seconds(2));
  EXPECT_EQ(ToldSince(0).size(), 2u);
  world.Run(world.service().Stop());
  world.Restart();
  ASSERT_TRUE(world.service().Start().ok());
  world.harness().sim().RunFor(absl::Seconds(2));
  EXPECT_EQ(ToldSince(0).size(), 2u);
  EXPECT_TRUE(ServicesSee(two.a));
  world.Run(world.service().Stop());
}

// Where a name is being erased the others are asked without it.
TEST_F(StatusOfNamesTest, WhoIsErasedSaysNothing) {
  Say(two.b, v1::STATUS_CHANGE_DO_NOT_GROUP);
  world.log().keys().Freeze(PersonSubject(b));
  Follow();
  EXPECT_FALSE(ServicesSee(two.a));
}

}  // namespace
}  // namespace relais::consent
