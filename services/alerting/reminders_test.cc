// Papers that expire (D-3.7): from the vault's log to her hosts and her référent, and no further once they
// are destroyed or renewed.
#include "services/alerting/reminders.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "common/base/proto_time.h"
#include "relais/vault/v1/events.pb.h"
#include "services/alerting/keeper.h"
#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;
using Hosts = std::vector<std::string>;

constexpr uint64_t kHer = 1;
constexpr uint64_t kPaper = 501;

std::string DocumentId(uint64_t document) { return audit::testing::Person(document).id.ToHex(); }

template <typename Payload>
void VaultSays(World& world, audit::v1::EventClass event_class, const Payload& payload,
               uint64_t person = kHer) {
  audit::Event event = audit::testing::SubjectEvent(audit::testing::Person(person), event_class);
  event.details.mutable_payload()->PackFrom(payload);
  world.vault_log().Append(event);
}

// The world's day is 2026-11-22.
void Expires(World& world, const Hosts& hosts, absl::CivilDay day = absl::CivilDay(2026, 12, 7),
             uint32_t days_before = 15,
             vault::v1::DocumentType type = vault::v1::DOCUMENT_TYPE_RESIDENCE_PERMIT,
             uint64_t document = kPaper) {
  vault::v1::DocumentExpiring payload;
  payload.set_document_id(DocumentId(document));
  payload.set_type(type);
  *payload.mutable_expires() = ToDate(day);
  payload.set_days_before(days_before);
  for (const std::string& host : hosts) {
    payload.add_hosts(host);
    payload.add_purposes(host == "caf" ? "ENERGY_AID" : "RIGHTS_OPENING");
  }
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_EXPIRING, payload);
}
void Destroyed(World& world, uint64_t document = kPaper) {
  vault::v1::DocumentDestroyed payload;
  payload.set_document_id(DocumentId(document));
  payload.set_cause("HERS");
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_DESTROYED, payload);
}
void Changed(World& world, const std::vector<std::string>& fields) {
  vault::v1::DocumentChanged payload;
  payload.set_document_id(DocumentId(kPaper));
  payload.mutable_fields()->Assign(fields.begin(), fields.end());
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_CHANGED, payload);
}
void Deposited(World& world, uint32_t version) {
  vault::v1::DocumentDeposited payload;
  payload.set_document_id(DocumentId(kPaper));
  payload.set_version(version);
  payload.set_state(vault::v1::Document::STATE_ACTIVE);
  VaultSays(world, audit::v1::EVENT_CLASS_DOCUMENT_DEPOSITED, payload);
}
void AskErasure(World& world) {
  audit::v1::EraseRequested payload;
  payload.set_erasure_id(audit::testing::Person(1007).id.ToHex());
  payload.set_cause("REQUEST");
  audit::Event event =
      audit::testing::SubjectEvent(audit::testing::Person(kHer), audit::v1::EVENT_CLASS_ERASE_REQUESTED);
  event.details.mutable_payload()->PackFrom(payload);
  world.consent_log().Append(event);
}

std::vector<v1::Alert::State> States(World& world) {
  std::vector<v1::Alert::State> states;
  for (const v1::Alert& alert : world.Alerts()) {
    states.push_back(alert.state());
  }
  return states;
}
size_t Partitions(World& world, storage::PartitionKind kind) {
  return world.context().store.ListPartitions(kind, Id128(), 1000)->size();
}
std::set<std::string> SubmittedAs(World& world) {
  std::set<std::string> ids;
  for (const auto& request : world.peers().submitted) {
    ids.insert(request.request_id());
  }
  return ids;
}
std::set<std::string> PulledBack(World& world) {
  std::set<std::string> ids;
  for (const auto& request : world.peers().pulled_back) {
    ids.insert(request.submitted_as());
  }
  return ids;
}

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

TEST(Reminders, ADestroyedPaperIsPulledBack) {
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle();
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
  EXPECT_EQ(PulledBack(world), SubmittedAs(world));
  for (const auto& request : world.peers().pulled_back) {
    EXPECT_EQ(request.sender().institution(), "ville-paris");
  }
}

TEST(Reminders, AnotherPapersEndIsNone) {
  World world;
  Expires(world, {"ville-paris"});
  Destroyed(world, kPaper + 1);
  world.Settle();
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
  EXPECT_THAT(world.peers().pulled_back, IsEmpty());
}

TEST(Reminders, DestroyedBeforeItWasSentItIsNeverSent) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle();
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
  EXPECT_THAT(world.Alerts(), IsEmpty());
}

TEST(Reminders, BothLeavesAtOnceAreNothing) {
  World world;
  world.peers().routing_down = absl::UnavailableError("down");
  Expires(world, {"ville-paris"});
  Destroyed(world);
  world.Settle();
  world.peers().routing_down = absl::OkStatus();
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
}

TEST(Reminders, WhoTookOneIsTold) {
  World world;
  world.peers().referent = false;
  Expires(world, {"ville-paris"});
  world.Settle();
  world.Taken(0);
  Destroyed(world);
  world.Settle();
  ASSERT_THAT(world.Alerts(), SizeIs(1));
  EXPECT_EQ(world.Alerts()[0].state(), v1::Alert::STATE_TAKEN);
  ASSERT_EQ(world.Alerts()[0].notes_size(), 1);
  EXPECT_NE(world.Alerts()[0].notes(0).find("destroyed or renewed"), std::string::npos);
}

TEST(Reminders, AnotherDayOrVersionEndsThemAndATitleDoesNot) {
  for (const bool version : {false, true}) {
    SCOPED_TRACE(version);
    World world;
    Expires(world, {"ville-paris"});
    Changed(world, {"title", "type"});
    Deposited(world, 1);
    world.Settle();
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
    if (version) {
      Deposited(world, 2);
    } else {
      Changed(world, {"expires"});
    }
    world.Settle();
    EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
    // What comes after is about the new day.
    Expires(world, {"ville-paris"}, absl::CivilDay(2026, 12, 4));
    world.Settle();
    EXPECT_EQ(std::ranges::count(States(world), v1::Alert::STATE_SENT), 2);
  }
}

TEST(Reminders, AHostThatNoLongerActsForHerKeepsNone) {
  World world;
  Expires(world, {"ville-paris", "caf"});
  world.Settle();
  vault::v1::HostChanged host;
  host.set_institution("caf");
  host.set_state(vault::v1::Host::STATE_ACTIVE);
  VaultSays(world, audit::v1::EVENT_CLASS_HOST_CHANGED, host);
  world.Settle();
  EXPECT_THAT(world.peers().pulled_back, IsEmpty());
  host.set_state(vault::v1::Host::STATE_UNLINKED);
  VaultSays(world, audit::v1::EVENT_CLASS_HOST_CHANGED, host);
  world.Settle();
  ASSERT_THAT(world.peers().pulled_back, SizeIs(1));
  EXPECT_EQ(world.peers().pulled_back[0].sender().institution(), "caf");
  EXPECT_EQ(std::ranges::count(States(world), v1::Alert::STATE_SENT), 2);
}

// Notes of the alert of the submission that goes on that host's behalf to its own desk, or to her référent.
std::vector<std::string> NotesOf(World& world, const std::string& host, bool to_referent) {
  for (const routing::v1::SubmitRequest& sent : world.peers().submitted) {
    const bool referents = sent.audience().kind() == routing::v1::Audience::KIND_REFERENT;
    for (const v1::Alert& alert : world.Alerts()) {
      if (sent.sender().institution() == host && referents == to_referent &&
          alert.alert_id() == Id128::FromBytes(sent.correlation())->ToHex()) {
        return {alert.notes().begin(), alert.notes().end()};
      }
    }
  }
  return {"no such alert"};
}

TEST(Reminders, HerReferentLearnsNothingOfHerHosts) {
  World world;
  Expires(world, {"ville-paris", "caf"});
  world.Settle();
  ASSERT_THAT(world.peers().submitted, SizeIs(3));
  for (size_t number = 0; number < 3; ++number) {
    world.Taken(number);
  }
  vault::v1::HostChanged host;
  host.set_institution("ville-paris");
  host.set_state(vault::v1::Host::STATE_UNLINKED);
  VaultSays(world, audit::v1::EVENT_CLASS_HOST_CHANGED, host);
  world.Settle();
  EXPECT_THAT(NotesOf(world, "caf", false), IsEmpty());
  EXPECT_THAT(NotesOf(world, "ville-paris", false), ElementsAre(::testing::HasSubstr("your institution")));
  EXPECT_THAT(NotesOf(world, "ville-paris", true),
              ElementsAre("ce rappel ne vaut plus / this reminder no longer holds"));
}

TEST(Reminders, TheRowKeepsWhatEndedIt) {
  v1::ExpiringPaper reminder;
  EXPECT_THAT(OverNote(reminder), ::testing::HasSubstr("no longer holds"));
  ReminderEnd end;
  end.host = "caf";
  end.note = "of a host";
  reminder.set_over_note(NoteOf(end, reminder));
  EXPECT_EQ(OverNote(reminder), "of a host");
  reminder.set_to_referent(true);
  EXPECT_THAT(NoteOf(end, reminder), ::testing::HasSubstr("no longer holds"));
  end.host.clear();
  EXPECT_EQ(NoteOf(end, reminder), "of a host") << "what became of the paper";
}

// The submission is still under way in routing when the paper is destroyed.
TEST(Reminders, AnEndMeanwhileKeepsASubmissionFromComing) {
  World world;
  world.peers().referent = false;
  world.peers().answers_late = true;
  Expires(world, {"ville-paris"});
  world.Settle();
  Destroyed(world);
  world.Settle(absl::Seconds(20));
  ASSERT_THAT(world.peers().pulled_back, ::testing::Not(IsEmpty()));
  EXPECT_FALSE(world.Run(world.peers().LateOnesCome()));
  EXPECT_THAT(world.peers().submitted, IsEmpty());
}

TEST(Reminders, EveryCrashOfAnEndPullsBackWhatWasSent) {
  for (uint64_t step = 0; step < 40; ++step) {
    SCOPED_TRACE(step);
    World world;
    world.CrashAt(step);
    Expires(world, {"ville-paris"});
    Destroyed(world);
    world.Settle();
    world.Restart();
    world.Settle(absl::Seconds(20));
    for (const std::string& sent : SubmittedAs(world)) {
      EXPECT_TRUE(PulledBack(world).contains(sent)) << sent;
    }
    for (const v1::Alert::State state : States(world)) {
      EXPECT_EQ(state, v1::Alert::STATE_CLOSED);
    }
  }
}

TEST(Reminders, AnEndReadAgainDoesNotEndALaterOne) {
  ReminderEnd end;
  end.document = audit::testing::Person(kPaper).id.ToBytes();
  end.time = absl::FromUnixMicros(5000);
  end.index = 10;
  v1::ExpiringPaper reminder;
  reminder.set_document(end.document);
  reminder.set_log_time(4999);
  reminder.set_log_index(11);  // of a log that went on after a loss
  EXPECT_TRUE(Ends(end, reminder));
  reminder.set_log_time(5000);
  reminder.set_log_index(9);
  EXPECT_TRUE(Ends(end, reminder));
  reminder.set_log_index(11);
  EXPECT_FALSE(Ends(end, reminder));
  reminder.set_log_time(5001);
  reminder.set_log_index(0);
  EXPECT_FALSE(Ends(end, reminder));
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

TEST(Reminders, AreOverWithTheDayAndGoAfterTwoYears) {  // D-2.10
  World world;
  Expires(world, {"ville-paris"});
  world.Settle();
  world.sim().Skip(absl::Hours(24 * 15));  // the last day
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_SENT, v1::Alert::STATE_SENT));
  world.sim().Skip(absl::Hours(24 * 3));
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(States(world), ElementsAre(v1::Alert::STATE_CLOSED, v1::Alert::STATE_CLOSED));
  EXPECT_EQ(PulledBack(world), SubmittedAs(world));
  world.sim().Skip(absl::Hours(24 * 740));
  world.Settle(absl::Minutes(1));
  EXPECT_THAT(world.Alerts(), IsEmpty());
  EXPECT_EQ(Partitions(world, storage::PartitionKind::kAlert), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 0u) << "her record goes with her";
  Expires(world, {"ville-paris"}, absl::CivilDay(2029, 3, 1));
  world.Settle();
  EXPECT_THAT(world.Alerts(), SizeIs(2));
}

}  // namespace
}  // namespace relais::alerting
