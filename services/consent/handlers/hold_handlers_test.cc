#include "services/consent/handlers/hold_handlers.h"

#include <gmock/gmock.h>

#include <set>

#include "common/base/proto_time.h"
#include "services/consent/testing/linking.h"

namespace relais::consent {
namespace {

using ::testing::Contains;
using testing::SimWorld;
using ::testing::SizeIs;

v1::PlaceHoldRequest HoldOn(SimWorld& world, const common::v1::PersonRef& person,
                            absl::Duration time = absl::Hours(24 * 100),
                            const std::string& request_id = "hold-1") {
  v1::PlaceHoldRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_order_reference("RG 26/01234");
  *request.mutable_until() = ToProto(world.context().log.Now() + time);
  return request;
}
absl::StatusOr<v1::PlaceHoldResponse> Place(SimWorld& world, const v1::PlaceHoldRequest& request) {
  return world.Run(world.service().holds().PlaceHold(world.As("ville-paris", "steward"), request));
}
absl::StatusOr<v1::ReleaseHoldResponse> Release(SimWorld& world, const std::string& hold,
                                                const std::string& request_id = "release-1") {
  v1::ReleaseHoldRequest request;
  request.set_request_id(request_id);
  request.set_hold_id(hold);
  return world.Run(world.service().holds().ReleaseHold(world.As("ville-paris", "steward"), request));
}
std::vector<audit::v1::HeldItem> Kept(SimWorld& world, const std::string& hold) {
  const auto page = world.maintenance().holds().Read(*Id128::FromHex(hold), "", 1000);
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? page->items : std::vector<audit::v1::HeldItem>();
}
std::set<std::string> StatesOf(const std::vector<audit::v1::HeldItem>& items) {
  std::set<std::string> names;
  for (const audit::v1::HeldItem& item : items) {
    if (item.has_state()) {
      names.insert(item.state().name());
    }
  }
  return names;
}

TEST(Hold, WhatAnErasureRemovesStaysAsACopy) {  // D-2.10
  SimWorld world(SimWorld::DefaultOptions(), {}, {});
  const common::v1::PersonRef person = world.NewPerson("D-1", SimWorld::Marie());
  const auto consent = world.Record(SimWorld::ConsentFor(person, "c-1"));
  ASSERT_TRUE(consent.ok()) << consent.status();
  v1::OpenRequest open;
  open.set_request_id("o-1");
  *open.mutable_person() = person;
  open.set_right(v1::RIGHT_ACCESS);
  ASSERT_TRUE(world.Run(world.service().rights().Open(world.As("ville-paris"), open)).ok());
  v1::CheckRequest inquiry = SimWorld::CheckFor(person, false);
  inquiry.mutable_recipient()->set_institution("crip75");
  ASSERT_TRUE(world.Check(inquiry).ok());
  v1::ReviewWithheldRequest review;
  review.set_request_id("w-1");
  *review.mutable_person() = rpc::HandleFor(world.context(), "crip75", world.IdOf(person));
  review.set_leaf_index(world.Leaves().back().index);
  review.set_decision(v1::WITHHELD_DECISION_SHOW);
  ASSERT_TRUE(world.Run(world.service().withheld().ReviewWithheld(world.As("crip75"), review)).ok());
  const auto placed = Place(world, HoldOn(world, person));
  ASSERT_TRUE(placed.ok()) << placed.status();

  // Every row of hers but what only says that a request or a change was made.
  const storage::Partition partition = PersonPartition(world.IdOf(person));
  const auto rows = world.context().store.Scan(partition, "", "", 1000);
  std::set<std::string> sealed;
  for (const storage::KeyedEntry& row : rows->entries) {
    if (!row.key.starts_with("req/") && !row.key.starts_with("e/")) {
      sealed.insert(row.key);
    }
  }
  EXPECT_EQ(StatesOf(Kept(world, placed->hold_id())), sealed);
  EXPECT_THAT(sealed, SizeIs(::testing::Ge(5)));

  v1::EraseRequest erase;
  erase.set_request_id("erase-1");
  *erase.mutable_person() = person;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_THAT(world.context().store.Scan(partition, "", "", 10)->entries, ::testing::IsEmpty());
  const std::vector<audit::v1::HeldItem> kept = Kept(world, placed->hold_id());
  EXPECT_EQ(StatesOf(kept), sealed);
  bool found = false;
  for (const audit::v1::HeldItem& item : kept) {
    v1::Consent agreement;
    v1::StoredRecord record;
    if (item.state().content().UnpackTo(&agreement)) {
      EXPECT_EQ(agreement.consent_id(), consent->consent_id());
    }
    found = found || (item.state().content().UnpackTo(&record) &&
                      record.traits().surname() == SimWorld::Marie().surname());
  }
  EXPECT_TRUE(found) << "her name, as the institution gave it";
}

TEST(Hold, OfLinkedPersonsBothAreKept) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {});
  const common::v1::PersonRef one = world.NewPerson("D-1", SimWorld::Marie());
  const common::v1::PersonRef other = world.NewPerson("D-2");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(one, "c-1")).ok());
  const auto placed = Place(world, HoldOn(world, other));
  ASSERT_TRUE(placed.ok()) << placed.status();
  v1::MergeRequest merge;
  merge.set_request_id("m-1");
  *merge.mutable_person() = one;
  *merge.mutable_other() = other;
  ASSERT_TRUE(world.Run(world.service().links().Merge(world.As("ville-paris", "steward"), merge)).ok());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(one, "c-2")).ok());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(other, "c-3")).ok());
  v1::EraseRequest erase;
  erase.set_request_id("erase-1");
  *erase.mutable_person() = one;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).ok());
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  size_t agreements = 0;
  size_t records = 0;
  for (const audit::v1::HeldItem& item : Kept(world, placed->hold_id())) {
    v1::Consent agreement;
    v1::StoredRecord record;
    agreements += item.state().content().UnpackTo(&agreement) ? 1 : 0;
    records += item.state().content().UnpackTo(&record) ? 1 : 0;
  }
  EXPECT_EQ(agreements, 3) << "whichever name and partition they are under";
  EXPECT_EQ(records, 2);
}

// Which leaves say whom a hold covers, in their order (ADR 41).
struct Said {
  uint64_t index = 0;
  std::string person;
  std::string author;
  std::string hold;
};
std::vector<Said> SaidOf(SimWorld& world) {
  std::vector<Said> said;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::v1::HoldPlaced placed;
    if (leaf.details.payload().UnpackTo(&placed)) {
      said.push_back(
          {leaf.index, leaf.details.subject().id(), leaf.leaf.header.institution(), placed.hold_id()});
    }
  }
  return said;
}
absl::Status EraseOne(SimWorld& world, const common::v1::PersonRef& person) {
  v1::EraseRequest erase;
  erase.set_request_id("erase-1");
  *erase.mutable_person() = person;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  return world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).status();
}

TEST(Hold, FollowersAreToldOfEveryName) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  const common::v1::PersonRef one = world.NewPerson("D-1", SimWorld::Marie());
  const common::v1::PersonRef other = world.NewPerson("D-2");
  ASSERT_TRUE(testing::Merge(world, one, other).ok());
  const auto placed = Place(world, HoldOn(world, other));
  ASSERT_TRUE(placed.ok()) << placed.status();
  const std::vector<Said> said = SaidOf(world);
  ASSERT_THAT(said, SizeIs(2));
  EXPECT_EQ(said[0].person, world.IdOf(other).ToBytes()) << "the one it is about comes first";
  EXPECT_EQ(said[0].author, "ville-paris");
  EXPECT_EQ(said[1].person, world.IdOf(one).ToBytes());
  EXPECT_EQ(said[1].author, "service/consent");
  for (const Said& each : said) {
    EXPECT_EQ(each.hold, placed->hold_id());
  }
  // The answer's revision does not tell how many they are.
  EXPECT_EQ(placed->written().revision(), world.log().Revision(said[0].index + 1));
  ASSERT_TRUE(EraseOne(world, one).ok());
  EXPECT_THAT(SaidOf(world), SizeIs(2)) << "once";
}

TEST(Hold, FollowersAreToldOfWhoIsLinkedLaterBeforeSheIsErased) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  const common::v1::PersonRef one = world.NewPerson("D-1", SimWorld::Marie());
  const common::v1::PersonRef other = world.NewPerson("D-2");
  ASSERT_TRUE(Place(world, HoldOn(world, other)).ok());
  ASSERT_TRUE(testing::Merge(world, one, other).ok());
  ASSERT_THAT(SaidOf(world), SizeIs(1));
  ASSERT_TRUE(EraseOne(world, one).ok());
  const std::vector<Said> said = SaidOf(world);
  ASSERT_THAT(said, SizeIs(2));
  EXPECT_EQ(said[1].person, world.IdOf(one).ToBytes());
  EXPECT_EQ(said[1].author, "service/consent");
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_ERASE_REQUESTED) {
      EXPECT_GT(leaf.index, said[1].index);
    }
  }
}

TEST(Hold, FollowersAreToldOfWhoWasTakenApart) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  const common::v1::PersonRef one = world.NewPerson("D-1", SimWorld::Marie());
  const common::v1::PersonRef other = world.NewPerson("D-2");
  const auto merged = testing::Merge(world, one, other);
  ASSERT_TRUE(merged.ok()) << merged.status();
  const auto placed = Place(world, HoldOn(world, other));
  ASSERT_TRUE(placed.ok()) << placed.status();
  ASSERT_TRUE(testing::Split(world, merged->link_id()).ok());
  const auto later = world.Record(SimWorld::ConsentFor(one, "c-1"));
  ASSERT_TRUE(later.ok()) << later.status();
  ASSERT_TRUE(EraseOne(world, one).ok());
  const std::vector<Said> said = SaidOf(world);
  ASSERT_THAT(said, SizeIs(3));
  EXPECT_EQ(said[2].person, world.IdOf(one).ToBytes());
  audit::v1::HoldPlaced apart;
  const std::vector<audit::OpenedLeaf> leaves = world.Leaves();
  ASSERT_TRUE(leaves.at(said[2].index).details.payload().UnpackTo(&apart));
  EXPECT_LE(FromProto(apart.until()), leaves.at(said[2].index).leaf.time);
  for (const audit::v1::HeldItem& item : Kept(world, placed->hold_id())) {
    v1::Consent agreement;
    EXPECT_FALSE(item.state().content().UnpackTo(&agreement)) << "given by another human";
  }
}

// Whose link is between two commits is another human as far as anybody can say.
TEST(Hold, BetweenTwoCommitsOfALinkNobodyElsesFileIsCopied) {
  int between = 0;
  for (uint64_t step = 0; step < 30; ++step) {
    testing::Crashing crashing(step);
    SimWorld world(crashing.options);
    const testing::Two two(world);
    *crashing.armed = true;
    if (testing::Merge(world, two.a, two.b).ok()) {
      break;
    }
    world.Restart();
    Store& store = world.service().registry().store;
    if (!store.LoadOwn(world.IdOf(two.b))->state->linked_to() ||
        !store.LoadOwn(world.IdOf(two.a))->state->links().empty()) {
      continue;
    }
    ++between;
    const auto placed = Place(world, HoldOn(world, two.b));
    ASSERT_TRUE(placed.ok()) << placed.status();
    EXPECT_THAT(SaidOf(world), SizeIs(1)) << step;
    size_t records = 0;
    for (const audit::v1::HeldItem& item : Kept(world, placed->hold_id())) {
      v1::StoredRecord record;
      records += item.state().content().UnpackTo(&record) ? 1 : 0;
    }
    EXPECT_EQ(records, 1) << step << ": hers alone";
  }
  EXPECT_GE(between, 1);
}

TEST(Hold, ARepetitionGivesTheSameAnswer) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {});
  const common::v1::PersonRef person = world.NewPerson("D-1");
  const v1::PlaceHoldRequest request = HoldOn(world, person);
  const auto first = Place(world, request);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = Place(world, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->hold_id(), first->hold_id());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 1);
  EXPECT_EQ(rpc::ReasonOf(Place(world, HoldOn(world, person, absl::Hours(1))).status()),
            common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  ASSERT_TRUE(Release(world, first->hold_id()).ok());
  ASSERT_TRUE(Release(world, first->hold_id()).ok()) << "the same request";
  EXPECT_EQ(rpc::ReasonOf(Release(world, first->hold_id(), "release-2").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOLD_ENDED), 1);
  EXPECT_EQ(rpc::ReasonOf(Release(world, std::string(32, '0'), "release-3").status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(Hold, OneThatARestoreLostIsEndedElsewhere) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {});
  v1::ReleaseHoldRequest request;
  request.set_request_id("release-1");
  request.set_hold_id(std::string(32, 'a'));
  request.set_even_unknown(true);
  const auto released =
      world.Run(world.service().holds().ReleaseHold(world.As("ville-paris", "steward"), request));
  ASSERT_TRUE(released.ok()) << released.status();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOLD_ENDED), 1) << "for those who follow";
}

TEST(Hold, ItsEndIsBounded) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {});
  const common::v1::PersonRef person = world.NewPerson("D-1");
  const absl::Duration year = absl::Hours(24) * 365;
  for (const absl::Duration time : {absl::ZeroDuration(), -absl::Hours(1), 11 * year}) {
    const absl::Status refused = Place(world, HoldOn(world, person, time)).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  }
  EXPECT_TRUE(Place(world, HoldOn(world, person, 10 * year)).ok());
}

TEST(Hold, NobodyUnknownOrErasedIsHeld) {
  SimWorld world(SimWorld::DefaultOptions(), {}, {"routing"});
  const common::v1::PersonRef person = world.NewPerson("D-1");
  v1::EraseRequest erase;
  erase.set_request_id("erase-1");
  *erase.mutable_person() = person;
  erase.set_cause(v1::ERASURE_CAUSE_COURT);
  ASSERT_TRUE(world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase)).ok());
  EXPECT_EQ(rpc::ReasonOf(Place(world, HoldOn(world, person)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_HOLD_PLACED), 0);
}

}  // namespace
}  // namespace relais::consent
