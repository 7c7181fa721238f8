#include "services/consent/handlers/hold_handlers.h"

#include <gmock/gmock.h>

#include <set>

#include "common/base/proto_time.h"
#include "services/consent/testing/world.h"

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
  EXPECT_THAT(sealed, SizeIs(::testing::Ge(4)));

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
