// Reminders of papers (D-3.7): within who acts for her, to her référent alone, on her agreement alone; and
// pulled back by who sent them.
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "common/storage/testing/damaged_memory.h"
#include "relais/routing/v1/events.pb.h"
#include "services/routing/testing/linked_persons.h"

namespace relais::routing {
namespace {

using testing::World;

v1::SubmitRequest Reminder(v1::Audience::Kind kind, const std::string& request_id = "r1",
                           const std::string& sender = "ville-paris") {
  v1::SubmitRequest request;
  request.set_request_id(request_id);
  request.mutable_person()->set_person_id(World::Person(1).ToBytes());
  request.mutable_sender()->set_institution(sender);
  request.set_purpose("RIGHTS_OPENING");
  request.add_categories("DOCUMENTS");
  v1::ExpiringPaper& paper = *request.mutable_content()->mutable_expiring_paper();
  paper.set_type("RESIDENCE_PERMIT");
  paper.mutable_expires()->set_year(2026);
  paper.mutable_expires()->set_month(11);
  paper.mutable_expires()->set_day(18);
  paper.set_days_before(15);
  request.mutable_audience()->set_kind(kind);
  return request;
}
absl::StatusOr<v1::SubmitResponse> Send(World& world, const v1::SubmitRequest& request,
                                        const std::string& service = "alerting") {
  return world.Run(world.service().routing().Submit(world.AsService(service), request));
}
v1::PullBackRequest PullBackOf(const std::string& request_id, const std::string& sender = "ville-paris") {
  v1::PullBackRequest request;
  request.mutable_sender()->set_institution(sender);
  request.set_submitted_as(request_id);
  return request;
}
absl::Status PullBack(World& world, const std::string& request_id, const std::string& service = "alerting",
                      const std::string& sender = "ville-paris") {
  return world
      .Run(world.service().routing().PullBack(world.AsService(service), PullBackOf(request_id, sender)))
      .status();
}
// While something else is under way.
void PullBackMeanwhile(World& world, const std::string& request_id) {
  Start(world.service().routing().PullBack(world.AsService("alerting"), PullBackOf(request_id)),
        [](const absl::StatusOr<v1::PullBackResponse>&) {});
}
Settings Slow() {
  // Days of virtual time: look, probe and read seldom enough.
  Settings settings;
  settings.lease = absl::Minutes(2);
  settings.probe_interval = absl::Seconds(30);
  settings.overdue_scan = absl::Seconds(10);
  return settings;
}
v1::SubmitRequest Serious() {
  v1::SubmitRequest request = Reminder(v1::Audience::KIND_OWN_DESK);
  request.set_urgency(v1::URGENCY_SERIOUS);
  return request;
}
// Reminders that the city's desk gets.
std::vector<v1::Message> Got(World& world, const std::string& desk) {
  std::vector<v1::Message> got;
  for (v1::Message& message : world.Pull(desk)) {
    if (message.content().has_expiring_paper()) {
      got.push_back(std::move(message));
    }
  }
  return got;
}

TEST(ExpiringPaper, WithinWhoActsForHerOnWhatLetsItAct) {
  World world;
  const auto sent = Send(world, Reminder(v1::Audience::KIND_OWN_DESK));
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), "dsol-75101");
  world.Settle();
  const std::vector<v1::Message> got = Got(world, "dsol-75101");
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].content().expiring_paper().type(), "RESIDENCE_PERMIT");
  EXPECT_EQ(got[0].ground(), common::v1::GROUND_AGREEMENT);
  for (const consent::v1::CheckRequest& asked : world.consent.asked) {
    EXPECT_EQ(asked.act(), common::v1::ACT_HOST);
    EXPECT_EQ(asked.sender().institution(), "ville-paris");
    EXPECT_EQ(asked.recipient().institution(), "ville-paris");
    EXPECT_EQ(asked.recipient().function(), "") << "no team's ground is looked for";
  }
}

TEST(ExpiringPaper, HerReferentsDeskWhenHeIsOneOfTheirs) {
  World world;
  testing::Active(world, testing::kHospital, 1);  // at dsol-75113
  const auto sent = Send(world, Reminder(v1::Audience::KIND_OWN_DESK));
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), "dsol-75113");
}

TEST(ExpiringPaper, AReferentElsewhereIsToldOnATransmission) {
  World world;
  testing::Active(world, testing::kOutreach, 1);  // of the caf
  world.consent.asked.clear();
  const auto sent = Send(world, Reminder(v1::Audience::KIND_REFERENT));
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), "caf-droits");
  ASSERT_FALSE(world.consent.asked.empty());
  EXPECT_EQ(world.consent.asked.back().act(), common::v1::ACT_TRANSMIT);
  EXPECT_EQ(world.consent.asked.back().recipient().function(), "");
}

TEST(ExpiringPaper, WhoIsToldAsHostIsNotToldTwice) {
  World world;
  testing::Active(world, testing::kOutreach, 1);
  v1::SubmitRequest request = Reminder(v1::Audience::KIND_REFERENT);
  request.mutable_audience()->add_told("ville-paris");
  request.mutable_audience()->add_told("caf");
  const auto sent = Send(world, request);
  EXPECT_EQ(rpc::ReasonOf(sent.status()), common::v1::ERROR_REASON_NOT_PERMITTED);
}

TEST(ExpiringPaper, WithoutAReferentNobody) {  // D-5.7
  World world;
  const auto sent = Send(world, Reminder(v1::Audience::KIND_REFERENT));
  EXPECT_EQ(sent.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(rpc::ReasonOf(sent.status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
}

// D-3.1: those she explicitly authorises.
TEST(ExpiringPaper, NoOtherGroundThanHerAgreementLetsItGo) {
  World world;
  world.consent.ground = common::v1::GROUND_TEAM;
  const auto refused = Send(world, Reminder(v1::Audience::KIND_OWN_DESK));
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.ground.reset();
  ASSERT_TRUE(Send(world, Reminder(v1::Audience::KIND_OWN_DESK, "r2")).ok());
  world.Settle();
  world.consent.ground = common::v1::GROUND_EMERGENCY;  // since it was sent
  EXPECT_TRUE(Got(world, "dsol-75101").empty());
  world.consent.ground.reset();
  world.Settle();
  EXPECT_TRUE(Got(world, "dsol-75101").empty()) << "it was pulled back";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
  // Another message of hers goes on it.
  world.consent.ground = common::v1::GROUND_TEAM;
  EXPECT_TRUE(world.Submit(world.Note("n1")).ok());
}

TEST(ExpiringPaper, IsForServices) {
  World world;
  v1::SubmitRequest paper = Reminder(v1::Audience::KIND_UNSPECIFIED);
  paper.clear_audience();
  *paper.mutable_person() = world.Handle("ville-paris", 1);
  const auto own = world.Run(world.service().routing().Submit(world.Dsol(), paper));
  EXPECT_EQ(rpc::ReasonOf(own.status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  v1::SubmitRequest note = world.Note("n1");
  note.clear_desk();
  note.mutable_audience()->set_kind(v1::Audience::KIND_REFERENT);
  EXPECT_EQ(rpc::ReasonOf(world.Submit(note).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  v1::SubmitRequest both = Reminder(v1::Audience::KIND_OWN_DESK);
  both.set_desk("caf-droits");
  EXPECT_EQ(rpc::ReasonOf(Send(world, both).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  v1::SubmitRequest without = Reminder(v1::Audience::KIND_OWN_DESK);
  without.clear_categories();
  without.add_categories("IDENTITY");
  EXPECT_EQ(rpc::ReasonOf(Send(world, without).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

TEST(ExpiringPaper, OnlyWhoActsForHerIsToldWhichItIs) {
  World world;
  testing::Active(world, testing::kHospital, 1);  // of the city
  for (const std::string sender : {"ville-paris", "caf"}) {
    v1::SubmitRequest request = Reminder(
        sender == "caf" ? v1::Audience::KIND_REFERENT : v1::Audience::KIND_OWN_DESK, "of-" + sender, sender);
    request.mutable_content()->mutable_expiring_paper()->set_document_id(std::string(32, 'd'));
    const auto sent = Send(world, request);
    ASSERT_TRUE(sent.ok()) << sent.status();
    ASSERT_EQ(sent->desk(), "dsol-75113");
  }
  world.Settle();
  std::map<std::string, std::string> told;   // by sender
  for (int pulls = 0; pulls < 5; ++pulls) {  // one after the other
    for (const v1::Message& message : world.Pull()) {
      told[message.sender().institution()] = message.content().expiring_paper().document_id();
      ASSERT_TRUE(world.Ack(message.message_id()).ok());
    }
    world.Settle();
  }
  EXPECT_EQ(told["ville-paris"], std::string(32, 'd'));
  ASSERT_TRUE(told.contains("caf"));
  EXPECT_EQ(told["caf"], "");
}

TEST(PullBack, OfWhatNoSystemHasYet) {
  World world;
  ASSERT_TRUE(Send(world, Reminder(v1::Audience::KIND_OWN_DESK)).ok());
  world.Settle();
  ASSERT_TRUE(PullBack(world, "r1").ok());
  ASSERT_TRUE(PullBack(world, "r1").ok());
  world.Settle();
  EXPECT_TRUE(Got(world, "dsol-75101").empty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
}

TEST(PullBack, WhatASystemHasStays) {
  World world;
  ASSERT_TRUE(Send(world, Reminder(v1::Audience::KIND_OWN_DESK)).ok());
  world.Settle();
  const std::vector<v1::Message> got = Got(world, "dsol-75101");
  ASSERT_EQ(got.size(), 1u);
  ASSERT_TRUE(world.Ack(got[0].message_id()).ok());
  ASSERT_TRUE(PullBack(world, "r1").ok());
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u);
  EXPECT_TRUE(world.Take(got[0].message_id()).ok());
}

TEST(PullBack, WhatASystemHasGoesToNoFurtherDesk) {
  for (const bool pulled_back : {false, true}) {
    SCOPED_TRACE(pulled_back);
    World world(1, Slow());
    ASSERT_TRUE(Send(world, Serious()).ok());
    world.Settle();
    const std::vector<v1::Message> got = Got(world, "dsol-75101");
    ASSERT_EQ(got.size(), 1u);
    ASSERT_TRUE(world.Ack(got[0].message_id()).ok());
    if (pulled_back) {
      ASSERT_TRUE(PullBack(world, "r1").ok());
      ASSERT_TRUE(PullBack(world, "r1").ok());
    }
    world.Settle(absl::Hours(25));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), pulled_back ? 0u : 1u);
    EXPECT_EQ(world.Waiting("dsol-75101").size(), pulled_back ? 1u : 0u);
    EXPECT_TRUE(world.Take(got[0].message_id()).ok());
  }
}

TEST(PullBack, ADeadLetterGoesNowhereElse) {
  Settings settings = Slow();
  settings.delivery.max_attempts = 1;
  World world(1, settings);
  ASSERT_TRUE(Send(world, Serious()).ok());
  world.Settle();
  const std::vector<v1::Message> got = Got(world, "dsol-75101");
  ASSERT_EQ(got.size(), 1u);
  ASSERT_TRUE(world.Nack(got[0].message_id()).ok());
  ASSERT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_DEAD), 1u);
  ASSERT_TRUE(PullBack(world, "r1").ok());
  world.Settle(absl::Hours(25));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
  EXPECT_TRUE(world.Waiting("dsol-75101").empty());
}

TEST(PullBack, BeforeItCameItDoesNotComeAnyMore) {
  World world;
  ASSERT_TRUE(PullBack(world, "r1").ok());
  ASSERT_TRUE(PullBack(world, "r1").ok());
  const auto late = Send(world, Reminder(v1::Audience::KIND_OWN_DESK));
  EXPECT_EQ(rpc::ReasonOf(late.status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
  EXPECT_TRUE(Send(world, Reminder(v1::Audience::KIND_OWN_DESK, "r2")).ok());
}

TEST(PullBack, WhatIsNotedOfOneThatNeverCameGoes) {
  const auto noted = [](World& world) {
    return world.context().store.ListPartitions(storage::PartitionKind::kMessage, Id128(), 10)->size();
  };
  World world;
  ASSERT_TRUE(PullBack(world, "r1").ok());
  EXPECT_EQ(noted(world), 1u);
  world.sim().Skip(absl::Hours(24 * 300));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(noted(world), 1u);
  world.sim().Skip(absl::Hours(24 * 70));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(noted(world), 0u);
}

// One that begins no row for a stretch, and one of which it cannot be read what it is.
TEST(PullBack, WhatDoesNotReadKeepsNothingElse) {
  storage::testing::DamagedMemory disk;
  World world(1, Settings(), disk.Make());
  for (const char* request_id : {"r1", "r2", "r3", "r4"}) {
    ASSERT_TRUE(PullBack(world, request_id).ok());
  }
  const auto noted = [&] {
    return disk.whole->ListPartitions(storage::PartitionKind::kMessage, Id128(), 10).value();
  };
  const std::vector<storage::Partition> all = noted();
  ASSERT_EQ(all.size(), 4u);
  disk.store->Damage(all[0], "", std::string(20, '\xff'));
  disk.store->Damage(all[2], "state");
  world.sim().Skip(absl::Hours(24 * 370));
  world.Settle(absl::Minutes(1));
  EXPECT_EQ(noted(), (std::vector<storage::Partition>{all[0], all[2]}));
}

// Who submitted has given up waiting, or died; the submission goes on.
TEST(PullBack, WhileConsentIsAskedNothingComes) {
  World world;
  bool pulled_back = false;
  world.consent.delay = absl::Seconds(1);
  world.consent.permits = [&](const consent::v1::CheckRequest& request) {
    if (!request.dry_run() && !std::exchange(pulled_back, true)) {
      PullBackMeanwhile(world, "r1");
    }
    return true;
  };
  const auto sent = Send(world, Reminder(v1::Audience::KIND_OWN_DESK));
  EXPECT_TRUE(pulled_back);
  EXPECT_EQ(rpc::ReasonOf(sent.status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
  EXPECT_TRUE(Got(world, "dsol-75101").empty());
}

TEST(PullBack, BetweenTheOfferAndTheLastLookItDoesNotGo) {
  World world;
  constexpr uint64_t kPersons = 33;  // more than are offered at once
  for (uint64_t person = 1; person <= kPersons; ++person) {
    v1::SubmitRequest request = Reminder(v1::Audience::KIND_OWN_DESK, "r" + std::to_string(person));
    request.mutable_person()->set_person_id(World::Person(person).ToBytes());
    ASSERT_TRUE(Send(world, request).ok());
  }
  world.Settle();
  bool pulled_back = false;
  world.consent.delay = absl::Seconds(1);
  world.consent.permits = [&](const consent::v1::CheckRequest& request) {
    if (request.person().person_id() == World::Person(kPersons).ToBytes() &&
        !std::exchange(pulled_back, true)) {
      PullBackMeanwhile(world, "r1");
    }
    return true;
  };
  EXPECT_EQ(Got(world, "dsol-75101").size(), kPersons - 1);
  EXPECT_TRUE(pulled_back);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
}

TEST(PullBack, OfAnothersMessageNothing) {
  World world;
  ASSERT_TRUE(Send(world, Reminder(v1::Audience::KIND_OWN_DESK)).ok());
  world.Settle();
  EXPECT_TRUE(PullBack(world, "r1", "vault").ok());
  EXPECT_TRUE(PullBack(world, "r1", "alerting", "caf").ok());
  EXPECT_TRUE(PullBack(world, "never").ok()) << "the same answer, whatever there is";
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u);
  EXPECT_EQ(Got(world, "dsol-75101").size(), 1u);
}

}  // namespace
}  // namespace relais::routing
