// Papers that expire (D-3.7): each reminder once, 60 and 15 days before, whatever happens in between.
#include "services/vault/reminding.h"

#include <gmock/gmock.h>

#include <set>

#include "relais/consent/v1/rights_events.pb.h"
#include "services/vault/convert.h"
#include "services/vault/handlers/destroy_handlers.h"
#include "services/vault/handlers/metadata_handlers.h"
#include "services/vault/testing/damage.h"

namespace relais::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kHost;
using testing::Pdf;
using testing::World;

const absl::CivilDay kToday(2026, 11, 3);  // World's

// Nothing else happens by itself for as long as these tests last.
World::Options Calm() {
  World::Options options;
  options.settings.epoch_length = absl::ZeroDuration();
  options.settings.scrub_every = absl::ZeroDuration();
  return options;
}

std::string Deposit(World& world, absl::CivilDay expires, uint64_t person = 1) {
  world.Host(person);
  const std::string text = Pdf(3000);
  v1::BeginUploadRequest begin = world.Begin(person, "b1", text.size(), v1::DOCUMENT_TYPE_RESIDENCE_PERMIT);
  *begin.mutable_description()->mutable_expires() = DateOf(expires);
  const auto begun = world.TryBegin(begin);
  World::Require(begun.status());
  World::Require(world.TrySend(person, begun->upload().upload_id(), 0, text).status());
  const auto completed = world.TryComplete(person, "c1", begun->upload().upload_id(), text);
  World::Require(completed.status());
  world.Settle();
  return completed->document().document_id();
}
std::vector<v1::DocumentExpiring> Reminders(World& world) {
  std::vector<v1::DocumentExpiring> out;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (auto expiring = PayloadOf<v1::DocumentExpiring>(leaf.details)) {
      out.push_back(*std::move(expiring));
    }
  }
  return out;
}
size_t Look(World& world) {
  const auto sent = world.Run(world.vault().reminding.LookOnce());
  World::Require(sent.status());
  return *sent;
}
size_t Pointers(World& world, absl::CivilDay day) {
  const auto rows = world.store().Expiries(day, "", 100);
  World::Require(rows.status());
  return rows->rows.size();
}
void SkipDays(World& world, int days) {
  world.sim().Skip(absl::Hours(24 * days));
  world.Settle(absl::Seconds(30));
}

// The day's list, and a row of somebody's, as a damaged disk has them.
TEST(Reminding, WhatDoesNotReadKeepsNobodyElsesReminders) {
  enum class Damaged { kPointer, kStretch, kHost };
  for (const Damaged damaged : {Damaged::kPointer, Damaged::kStretch, Damaged::kHost}) {
    SCOPED_TRACE(static_cast<int>(damaged));
    testing::DamagedDisk disk;
    World::Options options = Calm();
    options.make_store = disk.Options().make_store;
    World world(options);
    const absl::CivilDay day = kToday + 70;
    const std::string first = Deposit(world, day, 1);
    const std::string second = Deposit(world, day, 2);
    const storage::Partition bucket =
        world.context().idempotency.Bucket("vault-expiry", "", absl::FormatCivilTime(day));
    const std::string key = World::Person(1).ToBytes() + testing::Hex(first).ToBytes();
    switch (damaged) {
      case Damaged::kPointer:
        testing::SetRaw(world, bucket, key, std::string("\xff\xff"));
        break;
      case Damaged::kStretch:
        disk.store->Damage(bucket, key);
        break;
      case Damaged::kHost:
        testing::Flip(world, VaultStore::PersonPartition(World::Person(1)), testing::HostKey(world, 1, kHost),
                      20);
        break;
    }
    SkipDays(world, 10);
    Look(world);
    std::set<std::string> reminded;
    for (const v1::DocumentExpiring& expiring : Reminders(world)) {
      reminded.insert(expiring.document_id());
    }
    EXPECT_TRUE(reminded.contains(second));
    EXPECT_EQ(reminded.contains(first), damaged == Damaged::kPointer) << "its key says all";
  }
}

// One host's row of two does not read: the other is reminded, and the operators are told.
TEST(Reminding, GoesToTheHostsThatRead) {
  World world(Calm());
  const absl::CivilDay day = kToday + 10;
  const std::string document = Deposit(world, day);
  world.Host(1, "caf");
  testing::Flip(world, VaultStore::PersonPartition(World::Person(1)), testing::HostKey(world, 1, "caf"), 20);
  ::testing::internal::CaptureStderr();
  Look(world);
  const std::string said = ::testing::internal::GetCapturedStderr();
  ASSERT_EQ(Reminders(world).size(), 1);
  EXPECT_EQ(Reminders(world)[0].document_id(), document);
  EXPECT_THAT(Reminders(world)[0].hosts(), ElementsAre(kHost));
  EXPECT_THAT(said, ::testing::HasSubstr("not every host is reminded"));
  EXPECT_THAT(said, ::testing::Not(::testing::HasSubstr(document)));
}

// Sent once: not to nobody because the row of her only host does not read now.
TEST(Reminding, WaitsWhileTheRowOfHerOnlyHostDoesNotRead) {
  World world(Calm());
  Deposit(world, kToday + 10);
  const storage::Partition hers = VaultStore::PersonPartition(World::Person(1));
  const std::string key = testing::HostKey(world, 1, kHost);
  const std::string before = testing::Flip(world, hers, key, 20);
  EXPECT_EQ(Look(world), 0);
  EXPECT_THAT(Reminders(world), IsEmpty());
  testing::SetRaw(world, hers, key, before);
  EXPECT_EQ(Look(world), 1);
}

TEST(Reminding, SixtyAndFifteenDaysBeforeAndOnceEach) {
  World world(Calm());
  const absl::CivilDay day = kToday + 70;
  const std::string document = Deposit(world, day);
  EXPECT_EQ(Pointers(world, day), 1);
  EXPECT_EQ(Look(world), 0);
  SkipDays(world, 9);
  EXPECT_EQ(Look(world), 0) << "61 days before";
  EXPECT_THAT(Reminders(world), IsEmpty());
  SkipDays(world, 1);
  Look(world);
  ASSERT_EQ(Reminders(world).size(), 1);
  const v1::DocumentExpiring first = Reminders(world)[0];
  EXPECT_EQ(first.document_id(), document);
  EXPECT_EQ(first.days_before(), 60u);
  EXPECT_EQ(first.type(), v1::DOCUMENT_TYPE_RESIDENCE_PERMIT);
  EXPECT_EQ(DayOf(first.expires()), day);
  EXPECT_THAT(first.hosts(), ElementsAre(kHost));
  EXPECT_THAT(first.purposes(), ElementsAre("RIGHTS_OPENING"));
  EXPECT_EQ(Look(world), 0);
  SkipDays(world, 47);  // the service slept over the day: it is caught up
  Look(world);
  ASSERT_EQ(Reminders(world).size(), 2);
  EXPECT_EQ(Reminders(world)[1].days_before(), 15u);
  EXPECT_THAT(world.Document(1, document).reminded(), ElementsAre(60, 15));
  SkipDays(world, 20);
  EXPECT_EQ(Look(world), 0);
  EXPECT_EQ(Pointers(world, day), 0) << "the day has passed";
  EXPECT_EQ(Reminders(world).size(), 2);
}

TEST(Reminding, APaperThatEndsSoonHasOne) {
  World world(Calm());
  Deposit(world, kToday + 10);
  Look(world);
  EXPECT_EQ(Look(world), 0);
  ASSERT_EQ(Reminders(world).size(), 1);
  EXPECT_EQ(Reminders(world)[0].days_before(), 15u);
}

TEST(Reminding, OfADestroyedPaperNone) {
  World world(Calm());
  const absl::CivilDay day = kToday + 70;
  const std::string document = Deposit(world, day);
  v1::DestroyRequest request;
  request.set_request_id("d1");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  ASSERT_TRUE(world.Run(world.service().destroying().Destroy(world.As(kHost), request)).ok());
  world.Settle();
  SkipDays(world, 20);
  EXPECT_EQ(Look(world), 0);
  EXPECT_THAT(Reminders(world), IsEmpty());
  EXPECT_EQ(Pointers(world, day), 0);
}

TEST(Reminding, AnotherDayBeginsAnew) {
  World world(Calm());
  const std::string document = Deposit(world, kToday + 10);
  Look(world);
  ASSERT_EQ(Reminders(world).size(), 1);
  v1::UpdateMetadataRequest request;
  request.set_request_id("u1");
  *request.mutable_person() = world.Handle(kHost, 1);
  request.set_document_id(document);
  request.mutable_description()->set_type(v1::DOCUMENT_TYPE_RESIDENCE_PERMIT);
  request.mutable_description()->set_title("renouvelé");
  *request.mutable_description()->mutable_expires() = DateOf(kToday + 12);
  const auto updated = world.Run(world.service().metadata().UpdateMetadata(world.As(kHost), request));
  ASSERT_TRUE(updated.ok()) << updated.status();
  world.Settle();
  Look(world);
  EXPECT_EQ(Pointers(world, kToday + 10), 0) << "of the day it had";
  EXPECT_EQ(Pointers(world, kToday + 12), 1);
  ASSERT_EQ(Reminders(world).size(), 2);
  EXPECT_EQ(DayOf(Reminders(world)[1].expires()), kToday + 12);
}

// ADR 51: a reminder is sent once. It is not used up while nobody can be told for want of a decision.
TEST(Reminding, WaitsWhileHerOnlyHostIsSuspended) {
  World world(Calm());
  Deposit(world, kToday + 10);
  world.consent.directory_expired = true;
  consent::v1::ProcessingRestricted may_deny;
  world.ConsentSays(1, audit::v1::EVENT_CLASS_PROCESSING_RESTRICTED, may_deny);
  world.Settle();
  EXPECT_EQ(Look(world), 0);
  EXPECT_THAT(Reminders(world), IsEmpty());
  world.consent.directory_expired = false;
  world.Settle(absl::Seconds(65));
  Look(world);
  ASSERT_EQ(Reminders(world).size(), 1);
  EXPECT_THAT(Reminders(world)[0].hosts(), ElementsAre(kHost));
}

TEST(Reminding, EveryCrashSendsItOnce) {
  bool reached = true;
  for (uint64_t step = 0; reached && step < 20; ++step) {
    SCOPED_TRACE(step);
    World world(Calm());
    Deposit(world, kToday + 10);
    world.CrashAt(step);
    const auto sent = world.Run(world.vault().reminding.LookOnce());
    reached = world.Dead();
    if (reached) {
      world.Restart();
    }
    Look(world);
    EXPECT_EQ(Look(world), 0);
    EXPECT_EQ(Reminders(world).size(), 1);
  }
}

// Who reminds reads what begins and ends a reminder; routing, that somebody searched; consent, that somebody
// had to do with her; nobody reads more.
TEST(Reminding, PeersReadWhatTheyNeedOpenedAndNothingElse) {
  const std::set<audit::v1::EventClass> reminders = {audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING,
                                                     audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED,
                                                     audit::v1::EVENT_CLASS_DOCUMENT_CHANGED,
                                                     audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED,
                                                     audit::v1::EVENT_CLASS_HOST_CHANGED,
                                                     audit::v1::EVENT_CLASS_DOCUMENT_ASKED,
                                                     audit::v1::EVENT_CLASS_DOCUMENT_REQUEST_CHANGED};
  const std::set<audit::v1::EventClass> notices = {audit::v1::EVENT_CLASS_AGENT_SEARCHED,
                                                   audit::v1::EVENT_CLASS_CLOSURE_ANNOUNCED};
  const std::set<audit::v1::EventClass> contacts = {
      // D-2.10
      audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, audit::v1::EVENT_CLASS_DOCUMENT_READ,
      audit::v1::EVENT_CLASS_HOST_CHANGED};
  for (int value = audit::v1::EventClass_MIN; value <= audit::v1::EventClass_MAX; ++value) {
    if (!audit::v1::EventClass_IsValid(value)) {
      continue;
    }
    const auto event_class = static_cast<audit::v1::EventClass>(value);
    EXPECT_EQ(MayOpen("alerting", event_class), reminders.contains(event_class)) << value;
    EXPECT_EQ(MayOpen("routing", event_class), notices.contains(event_class)) << value;
    EXPECT_EQ(MayOpen("consent", event_class), contacts.contains(event_class)) << value;
  }
}

}  // namespace
}  // namespace relais::vault
