// Papers that expire (D-3.7): from the vault's log to her hosts and her référent; and what her erasure, or a
// legal hold, makes of that.
#include "services/alerting/reminders.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "common/base/proto_time.h"
#include "services/alerting/keeper.h"
#include "services/alerting/testing/reminders.h"

namespace relais::alerting {
namespace {

using testing::DocumentId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kHer;
using testing::kPaper;
using ::testing::SizeIs;
using testing::World;

TEST(Reminders, GoToHerHostsAndToHerReferent) {
  World world;
  Expires(world, {"ville-paris", "caf"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(3));
  std::set<std::string> own;
  size_t to_referent = 0;
  for (const routing::v1::SubmitRequest& sent : world.peers().submitted) {
    EXPECT_EQ(sent.person().person_id(), audit::testing::Person(kHer).id.ToBytes());
    EXPECT_EQ(sent.purpose(), sent.sender().institution() == "caf" ? "ENERGY_AID" : "RIGHTS_OPENING")
        << "for which that host acts for her";
    EXPECT_THAT(sent.categories(), ElementsAre("DOCUMENTS"));
    EXPECT_FALSE(sent.has_stated_ground()) << "her agreement alone";
    EXPECT_EQ(sent.urgency(), routing::v1::URGENCY_CONCERN);
    EXPECT_EQ(sent.desk(), "");
    const routing::v1::ExpiringPaper& paper = sent.content().expiring_paper();
    EXPECT_EQ(paper.type(), "RESIDENCE_PERMIT");
    EXPECT_EQ(FromDate(paper.expires()), absl::CivilDay(2026, 12, 7));
    EXPECT_EQ(paper.days_before(), 15u);
    if (sent.audience().kind() == routing::v1::Audience::KIND_OWN_DESK) {
      own.insert(sent.sender().institution());
      EXPECT_EQ(paper.document_id(), DocumentId(kPaper));
    } else {
      ++to_referent;
      EXPECT_EQ(sent.audience().kind(), routing::v1::Audience::KIND_REFERENT);
      EXPECT_EQ(sent.sender().institution(), "ville-paris");
      EXPECT_THAT(sent.audience().told(), ElementsAre("ville-paris", "caf"));
      EXPECT_EQ(paper.document_id(), "") << "who may not read it needs no name of it";
    }
  }
  EXPECT_EQ(own, (std::set<std::string>{"caf", "ville-paris"}));
  EXPECT_EQ(to_referent, 1u);
  EXPECT_THAT(world.peers().registered, IsEmpty());
  EXPECT_THAT(world.peers().agreements, IsEmpty());

  ASSERT_THAT(world.Alerts(), SizeIs(3));
  for (const v1::Alert& alert : world.Alerts()) {
    EXPECT_EQ(alert.rule(), kPaperExpiring);
    EXPECT_EQ(alert.state(), v1::Alert::STATE_SENT);
    EXPECT_FALSE(alert.has_person()) << "nobody has decided yet that the desk may know";
  }
  world.Delivered(0);
  world.Taken(0);
  EXPECT_THAT(States(world), ::testing::Contains(v1::Alert::STATE_TAKEN));
}

TEST(Reminders, TheEarlierOneIsNotUrgent) {
  World world;
  Expires(world, {"ville-paris"}, absl::CivilDay(2027, 1, 21), 60);
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(2));
  EXPECT_EQ(world.peers().submitted[0].urgency(), routing::v1::URGENCY_ORDINARY);
}

TEST(Reminders, NobodyWithoutAHostOrAfterTheDay) {
  World world;
  Expires(world, {});
  Expires(world, {"nobody-there"});
  Expires(world, {"ville-paris"}, absl::CivilDay(2026, 11, 21));  // yesterday: the service slept
  world.Settle();
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 0u);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0u);
}

TEST(Reminders, AHostThatLeftTheDirectoryStopsNoOther) {
  World world;
  Expires(world, {"nobody-there", "ville-paris"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(2));
  for (const routing::v1::SubmitRequest& sent : world.peers().submitted) {
    EXPECT_EQ(sent.sender().institution(), "ville-paris");
  }
}

TEST(Reminders, WhatOnlyItsOwnCategoryMayTellIsNotNamed) {  // D-2.7
  World world;
  Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 7), 15, vault::v1::DOCUMENT_TYPE_MEDICAL);
  Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 7), 15, vault::v1::DOCUMENT_TYPE_CRIMINAL_JUDGMENT,
          kPaper + 1);
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(4));
  for (const routing::v1::SubmitRequest& sent : world.peers().submitted) {
    EXPECT_EQ(sent.content().expiring_paper().type(), "");
  }
}

TEST(Reminders, WithoutReferentHerHostAlone) {  // D-5.7
  World world;
  world.peers().referent = false;
  Expires(world, {"ville-paris"});
  world.Settle(absl::Minutes(1));
  ASSERT_THAT(world.peers().submitted, SizeIs(1));
  EXPECT_EQ(world.peers().submitted[0].audience().kind(), routing::v1::Audience::KIND_OWN_DESK);
}

TEST(Reminders, WithoutHerAgreementNobodyNowOrLater) {
  World world;
  world.peers().permits = false;
  Expires(world, {"ville-paris"});
  world.Settle(absl::Minutes(1));
  world.peers().permits = true;
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  EXPECT_THAT(world.Alerts(), IsEmpty());
}

TEST(Reminders, WaitWhileRoutingIsAway) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Expires(world, {"ville-paris"});
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  world.Restart();
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, SizeIs(2));
}

TEST(Reminders, EachOnceWhateverCrashComesBetween) {
  for (uint64_t step = 0; step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.CrashAt(step);
    Expires(world, {"ville-paris"});
    world.Settle();
    world.Restart();
    world.Settle(absl::Seconds(20));
    EXPECT_THAT(world.peers().submitted, SizeIs(2));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 2u);
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
  }
}

TEST(Reminders, GoWithHerAndNoneComesAfter) {
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  ASSERT_THAT(world.Alerts(), SizeIs(2));
  AskErasure(world);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().acknowledged, SizeIs(1));
  EXPECT_THAT(world.Alerts(), IsEmpty());
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0u);
  // A leaf that the vault wrote before it erased her, read late.
  const size_t sent = world.peers().submitted.size();
  Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 7), 15, vault::v1::DOCUMENT_TYPE_PASSPORT,
          kPaper + 1);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().submitted, SizeIs(sent));
  EXPECT_THAT(world.Alerts(), IsEmpty());
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0u);
}

// Her erasure and the vault's leaves are followed apart from each other.
TEST(Reminders, AllGoWithHerThoughAnotherIsReadWhileHerErasureBegins) {
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  ASSERT_EQ(Partitions(world, storage::PartitionKind::kAlert), 2u);
  // The process died after the first commit of her erasure.
  const AlertingStore store(world.context());
  ASSERT_TRUE(world.Run(MarkVaultRecord(world.context(), store, audit::testing::Person(kHer).id)).ok());
  world.Restart();
  Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 7), 15, vault::v1::DOCUMENT_TYPE_PASSPORT,
          kPaper + 1);
  world.Settle();
  AskErasure(world);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().acknowledged, SizeIs(1));
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0u);
  const Id128 record = store.VaultRecordOf(audit::testing::Person(kHer).id);
  EXPECT_FALSE(world.context().log.keys().Get(AlertingStore::SubjectOf(record)).ok());
}

TEST(Reminders, EveryCrashOfHerErasureTakesThemAll) {
  for (uint64_t step = 0; step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    Expires(world, {"ville-paris"});
    world.Settle();
    world.CrashAt(step);
    AskErasure(world);
    Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 7), 15, vault::v1::DOCUMENT_TYPE_PASSPORT,
            kPaper + 1);
    world.Settle(absl::Seconds(10));
    world.Restart();
    world.Settle(absl::Minutes(1));
    EXPECT_THAT(world.peers().acknowledged, ::testing::Not(IsEmpty()));
    EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
    EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0u);
  }
}

TEST(Reminders, AHoldKeepsACopyOfThem) {
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  audit::v1::HoldPlaced hold;
  const Id128 id = audit::testing::Person(1007).id;
  hold.set_hold_id(id.ToHex());
  hold.set_order_reference("RG 26/1");
  *hold.mutable_until() = ToProto(world.context().log.Now() + absl::Hours(24 * 365));
  audit::Event event =
      audit::testing::SubjectEvent(audit::testing::Person(kHer), audit::v1::EVENT_CLASS_HOLD_PLACED);
  event.details.mutable_payload()->PackFrom(hold);
  world.consent_log().Append(event);
  AskErasure(world);
  world.Settle(absl::Seconds(10));
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
  const auto page = world.context().maintenance->holds().Read(id, "", 1000);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(std::ranges::count_if(
                page->items,
                [](const audit::v1::HeldItem& item) { return item.state().name().starts_with("row/"); }),
            2);
}

TEST(Reminders, WhatOfOneDoesNotReadHoldsUpNobodyElses) {
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(2));
  const AlertingStore store(world.context());
  storage::CommitRequest commit;
  commit.partition = AlertingStore::RecordPartition(store.VaultRecordOf(audit::testing::Person(kHer).id));
  commit.batch.push_back({"record", std::string(64, 'x')});
  ASSERT_TRUE(world.Run(world.context().store.Commit(std::move(commit))).ok());
  Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 7), 15, vault::v1::DOCUMENT_TYPE_PASSPORT,
          kPaper + 1);
  vault::v1::DocumentExpiring another;
  another.set_document_id(DocumentId(kPaper + 2));
  another.set_type(vault::v1::DOCUMENT_TYPE_PASSPORT);
  *another.mutable_expires() = ToDate(absl::CivilDay(2026, 12, 7));
  another.set_days_before(15);
  another.add_hosts("ville-paris");
  another.add_purposes("RIGHTS_OPENING");
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING, another, kHer + 1);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().submitted, SizeIs(4));
}

TEST(Reminders, ErasedBeforeTheFirstOneThereIsNone) {
  World world;
  AskErasure(world);
  world.Settle(absl::Seconds(10));
  Expires(world, {"ville-paris"});
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 0u);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0u);
}

}  // namespace
}  // namespace relais::alerting
