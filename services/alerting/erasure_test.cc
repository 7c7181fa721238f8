// A person is erased in consent: alerting erases the sender records under which she was registered.
#include <gmock/gmock.h>

#include <map>

#include "common/base/proto_time.h"
#include "common/storage/testing/damaged_memory.h"
#include "relais/consent/v1/events.pb.h"
#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::EdfColumn;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Letter;
using testing::Payment;
using testing::Report;
using ::testing::SizeIs;
using testing::World;
using Outcomes = std::vector<std::string>;

Id128 ErasureId() { return audit::testing::Person(1007).id; }

// What consent's log says of the n-th registration.
Id128 Registered(World& world, size_t n) {
  const consent::v1::RegisterRequest& request = world.peers().registered.at(n);
  const Id128 person = *Id128::FromBytes(world.peers().PersonOf(request.sender_record()));
  consent::v1::PersonRegistered payload;
  payload.set_institution(request.acting().party().institution());
  payload.set_sender_record(request.sender_record());
  audit::Event event = audit::testing::SubjectEvent({audit::Subject::Kind::kPerson, person},
                                                    audit::v1::EVENT_CLASS_PERSON_REGISTERED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
  return person;
}

void Ask(World& world, const Id128& person) {
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(ErasureId().ToHex());
  payload.set_cause("REQUEST");
  audit::Event event = audit::testing::SubjectEvent({audit::Subject::Kind::kPerson, person},
                                                    audit::v1::EVENT_CLASS_ERASE_REQUESTED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

// Consent's log places a hold on her, under the same id.
void PlaceHold(World& world, const Id128& person) {
  audit::v1::HoldPlaced payload;
  payload.set_hold_id(ErasureId().ToHex());
  payload.set_order_reference("RG 26/1");
  *payload.mutable_until() = ToProto(world.context().log.Now() + absl::Hours(24 * 365));
  audit::Event event = audit::testing::SubjectEvent({audit::Subject::Kind::kPerson, person},
                                                    audit::v1::EVENT_CLASS_HOLD_PLACED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

size_t Partitions(World& world, storage::PartitionKind kind) {
  return world.context().store.ListPartitions(kind, Id128(), 1000)->size();
}

TEST(Erasure, HerRecordsGoAndHerReferencesStayKnown) {
  World world;
  ASSERT_EQ(world.Submit({Cut("E1"), Letter("E2")}), (Outcomes{"ACCEPTED", "ACCEPTED"}));
  world.Settle();
  const Id128 person = Registered(world, 0);
  const std::string record = world.peers().registered[0].sender_record();
  world.Settle();
  ASSERT_EQ(world.Alerts().size(), 1);
  Ask(world, person);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().acknowledged, ElementsAre(ErasureId().ToHex()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_THAT(world.Alerts(), IsEmpty());
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0);
  EXPECT_TRUE(absl::IsNotFound(
      world.context().log.keys().Get(AlertingStore::SubjectOf(*Id128::FromBytes(record))).status()));
  // Sent again: known by its keyed hash (D-2.10). Changed: told apart. New: a record of its own.
  EXPECT_EQ(world.Submit({Cut("E1"), Cut("E1", {{EdfColumn::kMontantDu, "1,00"}}), Cut("E3")}),
            (Outcomes{"DUPLICATE", "REFERENCE_REUSED", "ACCEPTED"}));
  world.Settle();
  ASSERT_THAT(world.peers().registered, SizeIs(2));
  EXPECT_NE(world.peers().registered[1].sender_record(), record);
  EXPECT_EQ(world.Alerts().size(), 1);
  EXPECT_EQ(world.DeliveryOf("E1"), v1::Delivery::STATE_UNSPECIFIED);
}

TEST(Erasure, RowsThatComeWhileItIsUnderWayAreANewRecord) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  const Id128 person = Registered(world, 0);
  world.Settle();
  world.peers().consent_down = absl::UnavailableError("down");  // nobody can be told yet
  Ask(world, person);
  world.Settle(absl::Seconds(5));
  EXPECT_EQ(world.SubmitOne(Cut("E2")), "ACCEPTED");
  world.Restart();
  EXPECT_EQ(world.SubmitOne(Cut("E3")), "ACCEPTED");
  world.peers().consent_down = absl::OkStatus();
  world.Settle(absl::Minutes(2));
  EXPECT_THAT(world.peers().acknowledged, ElementsAre(ErasureId().ToHex()));
  ASSERT_THAT(world.peers().registered, SizeIs(::testing::Ge(2)));
  EXPECT_EQ(world.Alerts().size(), 2) << "of E2 and E3";
}

TEST(Erasure, AnObjectionBindsTheRecordThatFollows) {  // D-1.6
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  const Id128 person = Registered(world, 0);
  ASSERT_EQ(world.SubmitOne(Letter("E2", {{EdfColumn::kOpposition, "OUI"}})), "OPPOSED");
  world.Settle();
  Ask(world, person);
  world.Settle(absl::Seconds(10));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_EQ(world.SubmitOne(Cut("E3")), "OPPOSED");
  world.Restart();
  EXPECT_EQ(world.SubmitOne(Cut("E3")), "OPPOSED");
  // Until she lifts it at a desk.
  ASSERT_THAT(world.peers().objections, SizeIs(1));
  consent::v1::ObjectionLifted lifted;
  lifted.set_supplier("edf");
  lifted.set_digest(world.peers().objections[0].digest().digest());
  lifted.set_key_version(world.peers().objections[0].digest().key_version());
  audit::Event event = audit::testing::PlainEvent(audit::v1::EVENT_CLASS_OBJECTION_LIFTED);
  event.details.mutable_payload()->PackFrom(lifted);
  world.consent_log().Append(event);
  world.Settle();
  EXPECT_EQ(world.SubmitOne(Cut("E3")), "ACCEPTED");
}

TEST(Erasure, AReportThatNamesNobodyIsErasedWithWhomItMade) {
  World world;
  nlohmann::json nobody = feeds::testing::BsppReport();
  nobody.erase("person");
  ASSERT_EQ(world.SubmitOne(Report("B1", nobody), "bspp"), "ACCEPTED");
  world.Settle();
  const Id128 person = Registered(world, 0);
  world.Settle();
  Ask(world, person);
  world.Settle(absl::Seconds(10));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_EQ(world.SubmitOne(Report("B1", nobody), "bspp"), "DUPLICATE");
}

// About a record that retention erased no leaf can be written: that must not be taken for her own erasure.
TEST(Erasure, ARecordThatWentByRetentionIsNoObstacle) {
  World world;
  ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
  world.Settle();
  const Id128 person = Registered(world, 0);
  world.Settle();
  ASSERT_EQ(world.SubmitOne(Payment("S1")), "ACCEPTED");
  world.Settle();
  world.sim().Skip(absl::Hours(24 * 735));
  world.Settle(absl::Minutes(1));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1) << "the record";
  ASSERT_EQ(Partitions(world, storage::PartitionKind::kPerson), 1);
  world.peers().acknowledged.clear();  // the record's
  Ask(world, person);
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().acknowledged, ElementsAre(ErasureId().ToHex()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 2);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0);
}

TEST(Erasure, SomebodyAlertingNeverHeardOfIsAcknowledgedToo) {
  World world;
  Ask(world, audit::testing::Person(5).id);
  world.Settle(absl::Seconds(10));
  EXPECT_THAT(world.peers().acknowledged, ElementsAre(ErasureId().ToHex()));
}

TEST(Erasure, EveryCrashEndsInTheSame) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 300; step += 3) {
    SCOPED_TRACE(step);
    World world;
    world.Restart();  // so that the store can be told to die
    ASSERT_EQ(world.Submit({Cut("E1"), Letter("E2")}), (Outcomes{"ACCEPTED", "ACCEPTED"}));
    world.Settle();
    const Id128 person = Registered(world, 0);
    world.Settle();
    world.CrashAt(step);
    Ask(world, person);
    world.Settle(absl::Seconds(10));
    reached = world.Dead();
    if (reached) {
      world.Restart();
    }
    world.Settle(absl::Minutes(1));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
    EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0);
    EXPECT_EQ(Partitions(world, storage::PartitionKind::kPerson), 0);
    EXPECT_THAT(world.Alerts(), IsEmpty());
    EXPECT_GE(world.peers().acknowledged.size(), 1);
    EXPECT_EQ(world.Submit({Cut("E1"), Letter("E2")}), (Outcomes{"DUPLICATE", "DUPLICATE"}));
  }
}

// ---- legal holds (D-2.10)

TEST(Hold, HerRowsAndAlertsStayAsACopyWhenSheIsErased) {
  World world;
  ASSERT_EQ(world.Submit({Cut("E1"), Letter("E2")}), (Outcomes{"ACCEPTED", "ACCEPTED"}));
  world.Settle();
  const Id128 person = Registered(world, 0);
  world.Settle();
  PlaceHold(world, person);
  Ask(world, person);
  world.Settle(absl::Seconds(10));
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0);
  const auto page = world.context().maintenance->holds().Read(ErasureId(), "", 1000);
  ASSERT_TRUE(page.ok()) << page.status();
  std::map<std::string, int> states;
  int signals = 0;
  for (const audit::v1::HeldItem& item : page->items) {
    if (item.has_state()) {
      ++states[item.state().name().substr(0, item.state().name().find('/'))];
    }
    v1::SignalAccepted accepted;
    signals += item.leaf().details().payload().UnpackTo(&accepted) ? 1 : 0;
  }
  EXPECT_THAT(states, ElementsAre(::testing::Pair("alert", 1), ::testing::Pair("record", 1),
                                  ::testing::Pair("row", 2)));
  EXPECT_EQ(signals, 2) << "the leaves of her record";
}

// Of a record that many share only what is hers is kept.
TEST(Hold, AtACollectiveAddressHerRowAndItsAlertStay) {
  World world;
  const auto at_the_shelter = [](const std::string& reference) {
    return Cut(reference, {{EdfColumn::kAdresse, "910 avenue Daumesnil"}, {EdfColumn::kCodePostal, "75012"}});
  };
  ASSERT_EQ(world.Submit({at_the_shelter("E1")}), (Outcomes{"ACCEPTED"}));
  world.Settle();
  const Id128 person = Registered(world, 0);
  world.Settle();
  const size_t rows = Partitions(world, storage::PartitionKind::kAlert);
  ASSERT_EQ(rows, 1);
  PlaceHold(world, person);
  Ask(world, person);
  world.Settle(absl::Seconds(10));
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0);
  const auto page = world.context().maintenance->holds().Read(ErasureId(), "", 1000);
  ASSERT_TRUE(page.ok()) << page.status();
  std::map<std::string, int> states;
  for (const audit::v1::HeldItem& item : page->items) {
    if (item.has_state()) {
      ++states[item.state().name().substr(0, item.state().name().find('/'))];
    }
  }
  EXPECT_EQ(states["row"], 1);
  EXPECT_GE(states["alert"], 1);
  EXPECT_GE(states["leaf"], 2) << "the row's acceptance and what became of its alert";
  EXPECT_EQ(states["record"], 0) << "not what others have there";
}

// ---- retention (D-2.10)

TEST(Retention, ASignalWithoutAlertGoesAfterThirteenMonths) {
  World world;
  ASSERT_EQ(world.Submit({Letter("L1"), Cut("E1", {{EdfColumn::kNom, "Autre"}})}),
            (Outcomes{"ACCEPTED", "ACCEPTED"}));
  world.Settle();
  const size_t before = Partitions(world, storage::PartitionKind::kSenderRecord);
  world.sim().Skip(absl::Hours(24 * 394));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), 0);
  EXPECT_EQ(world.DeliveryOf("L1"), v1::Delivery::STATE_KEPT);
  world.sim().Skip(absl::Hours(24 * 4));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_PURGED), 1);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1) << "nothing was left of that record";
  EXPECT_EQ(world.DeliveryOf("L1"), v1::Delivery::STATE_UNSPECIFIED);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kSenderRecord), before) << "as a mark";
  EXPECT_EQ(world.Alerts().size(), 1) << "an alert has a rule of its own";
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    audit::v1::Purged purged;
    if (leaf.details.payload().UnpackTo(&purged)) {
      EXPECT_EQ(purged.rule(), "SIGNAL_WITHOUT_ALERT");
      EXPECT_EQ(purged.count(), 1);
    }
  }
}

// A record that begins no row for a stretch, and one whose rows do not read.
TEST(Retention, GoesOnPastWhatDoesNotRead) {
  storage::testing::DamagedMemory disk;
  World world(1, disk.Make());
  ASSERT_EQ(
      world.Submit({Letter("L1", {{EdfColumn::kNom, "Un"}}), Letter("L2", {{EdfColumn::kNom, "Deux"}}),
                    Letter("L3", {{EdfColumn::kNom, "Trois"}}), Letter("L4", {{EdfColumn::kNom, "Quatre"}})}),
      (Outcomes{"ACCEPTED", "ACCEPTED", "ACCEPTED", "ACCEPTED"}));
  world.Settle();
  const auto records = disk.whole->ListPartitions(storage::PartitionKind::kSenderRecord, Id128(), 10);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 4U);
  disk.store->Damage((*records)[0], "", std::string(20, '\xff'));
  disk.store->Damage((*records)[2], std::string(AlertingStore::kRowPrefix), "row0");
  world.sim().Skip(absl::Hours(24 * 398));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 2) << "those of whom nothing was left";
}

TEST(Retention, AnAlertGoesWithItsRowsTwentyFourMonthsAfterItEnded) {
  World world;
  ASSERT_EQ(world.Submit({Cut("E1"), Cut("E2", {{EdfColumn::kNom, "Autre"}})}),
            (Outcomes{"ACCEPTED", "ACCEPTED"}));
  world.Settle();
  ASSERT_EQ(world.SubmitOne(Payment("S1")), "ACCEPTED");  // E1's: closed untaken (D-1.12)
  world.Settle();
  ASSERT_EQ(Partitions(world, storage::PartitionKind::kAlert), 2);
  const auto purged = [&](const std::string& rule) {
    uint64_t count = 0;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      audit::v1::Purged leaf_purged;
      if (leaf.details.payload().UnpackTo(&leaf_purged) && leaf_purged.rule() == rule) {
        count += leaf_purged.count();
      }
    }
    return count;
  };
  world.sim().Skip(absl::Hours(24 * 725));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(purged("ALERT"), 0) << "24 months are not over";
  world.sim().Skip(absl::Hours(24 * 10));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(purged("ALERT"), 1);
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 1) << "the other one has not ended";
  EXPECT_EQ(world.Alerts().size(), 1) << "nor is it listed at its desk";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1) << "nothing was left of that record";
  EXPECT_EQ(world.SubmitOne(Cut("E3", {{EdfColumn::kDateEvenement, "2028-10-20"}})), "ACCEPTED");
  world.Settle();
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 2) << "what comes later raises its own";
}

TEST(Retention, EveryCrashOfAnAlertsPurgeEndsInTheSame) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 200; step += 3) {
    SCOPED_TRACE(step);
    World world;
    world.Restart();  // so that the store can be told to die
    ASSERT_EQ(world.SubmitOne(Cut("E1")), "ACCEPTED");
    world.Settle();
    ASSERT_EQ(world.SubmitOne(Payment("S1")), "ACCEPTED");
    world.Settle();
    world.sim().Skip(absl::Hours(24 * 735));
    world.CrashAt(step);
    world.Settle(absl::Minutes(1));
    reached = world.Dead();
    world.Restart();  // whatever step was to be its last
    for (int sweep = 0; sweep < 2; ++sweep) {
      world.Settle(absl::Minutes(2));
      world.sim().Skip(absl::Hours(25));
      world.Settle(absl::Minutes(1));
    }
    EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0);
    EXPECT_THAT(world.Alerts(), IsEmpty());
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1);
  }
}

}  // namespace
}  // namespace relais::alerting
