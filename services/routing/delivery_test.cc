// From the inbox to the recipient's system: permits, the lease, withdrawals, order, repetition.
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::World;

TEST(Delivery, SubmitPullAckTake) {
  World world;
  const std::string id = world.MustSubmit("s1");
  ASSERT_EQ(world.Waiting().size(), 1u);
  EXPECT_EQ(world.Waiting()[0].state(), v1::Waiting::STATE_QUEUED);
  const auto messages = world.Pull();
  ASSERT_EQ(messages.size(), 1u);
  const v1::Message& message = messages[0];
  EXPECT_EQ(message.message_id(), id);
  EXPECT_EQ(message.content().note().text(), "sortie prévue s1");
  EXPECT_EQ(message.attempt(), 1u);
  EXPECT_NE(message.why_you(), "");
  // Re-addressed: the recipient's own handle, useless to the sender.
  EXPECT_EQ(message.person().handle(), world.Handle("ville-paris", 1).handle());
  EXPECT_NE(message.person().handle(), world.Handle("aphp", 1).handle());
  EXPECT_EQ(message.permit_id(), "permit-" + std::to_string(world.consent.asked.size()));
  ASSERT_TRUE(world.Ack(id).ok());
  world.Settle();
  EXPECT_TRUE(world.Pull().empty());
  EXPECT_EQ(world.Waiting()[0].state(), v1::Waiting::STATE_DELIVERED);
  const auto taken = world.Take(id);
  ASSERT_TRUE(taken.ok()) << taken.status();
  world.Settle();
  EXPECT_TRUE(world.Waiting().empty());
  for (const auto event_class :
       {audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, audit::v1::EVENT_CLASS_MESSAGE_OFFERED,
        audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, audit::v1::EVENT_CLASS_MESSAGE_TAKEN}) {
    EXPECT_EQ(world.Count(event_class), 1u) << event_class;
  }
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    const bool of_sender = leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED;
    if (leaf.details.subject().kind() == audit::v1::Subject::KIND_PERSON) {
      EXPECT_EQ(leaf.details.relation(), of_sender ? "NONE" : "DESK");
    }
  }
}

TEST(Delivery, EveryAnswerMayBeRepeated) {
  World world;
  const std::string id = world.MustSubmit("s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Ack(id).ok());
  ASSERT_TRUE(world.Ack(id).ok());
  const auto first = world.Take(id);
  const auto again = world.Take(id);
  ASSERT_TRUE(first.ok() && again.ok()) << first.status() << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  const auto other = world.Take(id, world.Dsol("agent-2"));
  EXPECT_EQ(rpc::ReasonOf(other.status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED), 1u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_TAKEN), 1u);
}

TEST(Delivery, AnotherInstitutionSeesAndDoesNothing) {
  World world;
  const std::string id = world.MustSubmit("s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  const auto caf = world.As("caf", "droits");
  const auto not_yours = [](const absl::Status& status) {
    return rpc::ReasonOf(status) == common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS;
  };
  v1::PullRequest pull;
  pull.set_desk("dsol-75113");
  EXPECT_TRUE(not_yours(world.Run(world.service().inboxes().Pull(caf, pull)).status()));
  v1::ListByDeskRequest list;
  list.set_desk("dsol-75113");
  EXPECT_TRUE(not_yours(world.Run(world.service().inboxes().ListByDesk(caf, list)).status()));
  EXPECT_TRUE(not_yours(world.Ack(id, caf)));
  EXPECT_TRUE(not_yours(world.Take(id, caf).status()));
  EXPECT_TRUE(not_yours(world.Ack(std::string(32, '0'))));  // the same answer as for what does not exist
  // Nor another system of the desk's own institution.
  EXPECT_TRUE(not_yours(
      world.Run(world.service().inboxes().Pull(world.As("ville-paris", "steward"), pull)).status()));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED), 0u);
}

TEST(Delivery, AServiceTakesInTheNameOfANamedHuman) {
  World world;
  const std::string id = world.MustSubmit("s1");
  v1::TakeRequest request;
  request.set_request_id("t");
  request.set_message_id(id);
  request.mutable_acting()->mutable_party()->set_institution("ville-paris");
  EXPECT_EQ(world.Run(world.service().inboxes().Take(world.AsService("alerting"), request)).status().code(),
            absl::StatusCode::kInvalidArgument);
  request.mutable_acting()->set_agent("anne");
  EXPECT_TRUE(world.Run(world.service().inboxes().Take(world.AsService("alerting"), request)).ok());
  request.mutable_acting()->mutable_party()->set_institution("caf");
  EXPECT_TRUE(absl::IsNotFound(
      world.Run(world.service().inboxes().Take(world.AsService("alerting"), request)).status()));
}

TEST(Delivery, NothingWithoutALease) {
  World world;
  world.MustSubmit("s1");
  world.CutConsentLog(true);
  world.Settle(absl::Seconds(3));
  const size_t asked = world.consent.asked.size();
  const auto refused = world.TryPull();
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  EXPECT_EQ(world.consent.asked.size(), asked);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_OFFERED), 0u);
  world.CutConsentLog(false);
  world.Settle();
  EXPECT_EQ(world.Pull().size(), 1u);
}

TEST(Delivery, TheLeaseMayEndBetweenPermitAndSending) {
  World world;
  world.MustSubmit("s1");
  world.consent.delay = absl::Seconds(5);
  world.CutConsentLog(true);
  EXPECT_TRUE(world.Pull().empty());  // permitted and offered, but not sent
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_OFFERED), 1u);
}

TEST(Delivery, NothingAfterAFollowedWithdrawalEvenIfCheckPermits) {
  World world;
  world.MustSubmit("s1");
  const uint64_t before = world.consent_log().log().state().size;
  world.consent.delay = absl::Seconds(1);
  bool answered = false;
  absl::StatusOr<v1::PullResponse> response = absl::UnknownError("none");
  v1::PullRequest request;
  request.set_desk("dsol-75113");
  Start(world.service().inboxes().Pull(world.Dsol(), request), [&](absl::StatusOr<v1::PullResponse> r) {
    response = std::move(r);
    answered = true;
  });
  world.Settle(absl::Milliseconds(100));  // the check has decided, its answer is on its way
  world.Withdraws(1);
  world.consent.answers_at = before;
  world.Settle(absl::Seconds(5));
  ASSERT_TRUE(answered);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->messages_size(), 0);
  // Still: an answer that is older than her withdrawal authorises nothing.
  world.consent.delay = absl::ZeroDuration();
  world.Settle(absl::Minutes(2));
  EXPECT_TRUE(world.Pull().empty());
  // A decision taken on the log with her withdrawal in it does (she agreed again).
  world.consent.answers_at.reset();
  world.Settle(absl::Minutes(5));
  EXPECT_EQ(world.Pull().size(), 1u);
}

TEST(Delivery, AWithdrawalPullsBackWhatIsNotDelivered) {
  World world;
  const std::string hers = world.MustSubmit("s1", 1);
  const std::string others = world.MustSubmit("s2", 2);
  world.consent.permits = [](const consent::v1::CheckRequest& check) {
    return check.person().person_id() != World::Person(1).ToBytes();
  };
  world.Withdraws(1);
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
  const auto waiting = world.Waiting();
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].message_id(), others);
  EXPECT_EQ(rpc::ReasonOf(world.Take(hers).status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Pull().size(), 1u);
}

TEST(Delivery, WhatIsDeliveredIsNotPulledBack) {
  World world;
  const std::string id = world.MustSubmit("s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Ack(id).ok());
  world.Settle();
  world.consent.permits = [](const auto&) { return false; };
  world.Withdraws(1);
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u);
  EXPECT_TRUE(world.Take(id).ok());
}

TEST(Delivery, TheCheckAtDeliveryPullsBackToo) {
  World world;
  world.MustSubmit("s1");
  world.consent.permits = [](const auto&) { return false; };  // an agreement that simply ended
  EXPECT_TRUE(world.Pull().empty());
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
  EXPECT_TRUE(world.Waiting().empty());
}

TEST(Delivery, AWithdrawalBetweenSubmissionsCheckAndItsCommitIsCaught) {
  World world;
  world.consent.answers_at = world.consent_log().log().state().size;
  world.Withdraws(1);
  world.Settle();
  ASSERT_TRUE(world.Submit(world.Note("s1")).ok());  // permitted as of before
  world.consent.permits = [](const auto&) { return false; };
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
}

TEST(Delivery, AgainAfterTheVisibleTimeoutWithAFreshPermit) {
  Settings settings;
  settings.delivery.visible = absl::Seconds(30);
  World world(1, settings);
  const std::string id = world.MustSubmit("s1");
  const auto first = world.Pull();
  ASSERT_EQ(first.size(), 1u);
  world.Settle(absl::Seconds(20));
  EXPECT_TRUE(world.Pull().empty());
  world.Settle(absl::Seconds(11));
  const auto second = world.Pull();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].attempt(), 2u);
  EXPECT_NE(second[0].permit_id(), first[0].permit_id());
  // A late acknowledgement counts.
  world.Settle(absl::Minutes(10));
  EXPECT_TRUE(world.Ack(id).ok());
  world.Settle();
  EXPECT_TRUE(world.Pull().empty());
}

TEST(Delivery, InOrderPerPerson) {
  World world;
  std::vector<std::string> hers;
  for (int i = 0; i < 3; ++i) {
    const auto response = world.Submit(world.Note("s" + std::to_string(i), 1));
    ASSERT_TRUE(response.ok());
    hers.push_back(response->message_id());
  }
  const std::string others = world.MustSubmit("t", 2);
  for (const std::string& expected : hers) {
    const auto messages = world.Pull();
    bool found = false;
    for (const v1::Message& message : messages) {
      if (message.message_id() == others) {
        ASSERT_TRUE(world.Ack(others).ok());  // another person's does not wait
      } else {
        EXPECT_EQ(message.message_id(), expected);
        found = true;
      }
    }
    EXPECT_TRUE(found);
    world.Settle();
    EXPECT_TRUE(world.Pull().empty());  // the next one waits for this one
    ASSERT_TRUE(world.Ack(expected).ok());
    world.Settle();
  }
}

TEST(Delivery, OrderHoldsWhateverTheFollowersOrder) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    World world(seed);
    std::vector<std::string> hers;
    for (int i = 0; i < 4; ++i) {
      const auto response = world.Submit(world.Note("s" + std::to_string(i), 1));
      ASSERT_TRUE(response.ok());
      hers.push_back(response->message_id());
    }
    // Pulled while pointers are still being written.
    size_t next = 0;
    for (int i = 0; i < 400 && next < hers.size(); ++i) {
      for (const v1::Message& message : world.Pull()) {
        ASSERT_EQ(message.message_id(), hers[next]) << "seed " << seed;
        ASSERT_TRUE(world.Ack(message.message_id()).ok());
        ++next;
      }
      world.Settle(absl::Milliseconds(10));
    }
    EXPECT_EQ(next, hers.size()) << "seed " << seed;
  }
}

TEST(Delivery, GivenBackComesAgainThenDies) {
  Settings settings;
  settings.delivery.visible = absl::Seconds(10);
  settings.delivery.max_attempts = 2;
  World world(1, settings);
  const std::string id = world.MustSubmit("s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  const auto again = world.Nack(id);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(FromProto(again->next_attempt()), world.sim().Now() + absl::Seconds(10));
  world.Settle();
  EXPECT_TRUE(world.Pull().empty());
  world.Settle(absl::Seconds(9));
  ASSERT_EQ(world.Pull().size(), 1u);
  const auto dead = world.Nack(id);
  ASSERT_TRUE(dead.ok());
  EXPECT_FALSE(dead->has_next_attempt());
  world.Settle(absl::Hours(1));
  EXPECT_TRUE(world.Pull().empty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_DEAD), 1u);
  // It still waits for a human.
  ASSERT_EQ(world.Waiting().size(), 1u);
  EXPECT_EQ(world.Waiting()[0].state(), v1::Waiting::STATE_DEAD);
  // What was given back is told apart from what was sent.
  size_t permitted = 0;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    const auto& header = leaf.leaf.header;
    permitted += header.event_class() == audit::v1::EVENT_CLASS_MESSAGE_OFFERED &&
                         header.decision() == common::v1::DECISION_PERMIT
                     ? 1
                     : 0;
  }
  EXPECT_EQ(permitted, 2u);
}

TEST(Delivery, OneMessageThatCannotBeCheckedDoesNotHoldUpOthers) {
  World world;
  world.MustSubmit("s1", 1);
  world.MustSubmit("s2", 2);
  const auto fine = world.consent.permits;
  world.consent.down =
      rpc::Refusal(absl::StatusCode::kInvalidArgument, common::v1::ERROR_REASON_UNKNOWN_CODE, "x");
  EXPECT_TRUE(world.Pull().empty());
  world.consent.down = absl::UnavailableError("down");
  EXPECT_EQ(rpc::ReasonOf(world.TryPull().status()), common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  world.consent.down = absl::OkStatus();
  EXPECT_EQ(world.Pull().size(), 2u);
}

TEST(Delivery, SurvivesARestartAtAnyPoint) {
  World world;
  const std::string id = world.MustSubmit("s1");
  world.Restart();
  ASSERT_EQ(world.Waiting().size(), 1u);
  ASSERT_EQ(world.Pull().size(), 1u);
  world.Restart();
  ASSERT_TRUE(world.Ack(id).ok());
  world.Restart();
  EXPECT_EQ(world.Waiting()[0].state(), v1::Waiting::STATE_DELIVERED);
  ASSERT_TRUE(world.Take(id).ok());
  world.Restart();
  EXPECT_TRUE(world.Waiting().empty());
}

TEST(Delivery, AcceptedMessagesReachTheInboxWhereverTheProcessDies) {
  for (uint64_t step = 0; step < 14; ++step) {
    World world(step + 1);
    world.CrashAt(step);
    absl::StatusOr<v1::SubmitResponse> answer = absl::UnknownError("none");
    Start(world.service().routing().Submit(world.As("aphp", "pass"), world.Note("s1")),
          [&](absl::StatusOr<v1::SubmitResponse> r) { answer = std::move(r); });
    world.Settle();
    world.Restart();
    const auto again = world.Submit(world.Note("s1"));
    ASSERT_TRUE(again.ok()) << again.status() << " step " << step;
    if (answer.ok()) {
      EXPECT_EQ(again->SerializeAsString(), answer->SerializeAsString());
    }
    world.Settle();
    EXPECT_EQ(world.Waiting().size(), 1u) << "step " << step;
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u) << "step " << step;
    EXPECT_EQ(world.Pull().size(), 1u) << "step " << step;
  }
}

TEST(Delivery, ADeskThatChangedHandsGetsNothingMeantForTheOther) {
  World world;
  world.MustSubmit("s1", 1, "caf-droits");
  v1::PullRequest request;
  request.set_desk("caf-droits");
  const auto pull = [&](const std::string& institution) {
    return world.Run(world.service().inboxes().Pull(world.As(institution, "droits"), request));
  };
  world.SetDirectory(directory::testing::Replaced(directory::testing::SampleYaml(),
                                                  "  - id: caf-droits\n    institution: caf\n",
                                                  "  - id: caf-droits\n    institution: cpam\n"));
  const auto pulled = pull("cpam");
  ASSERT_TRUE(pulled.ok()) << pulled.status();
  EXPECT_EQ(pulled->messages_size(), 0);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_OFFERED), 0u);
  EXPECT_FALSE(pull("caf").ok());  // nor is it the first one's desk any more
  world.MustSubmit("s2", 2, "caf-droits");
  EXPECT_EQ(pull("cpam")->messages_size(), 1);
}

// What is not disclosed under a directory past its end is not withdrawn either.
TEST(Delivery, AnExpiredDirectoryOfConsentWithdrawsNothing) {
  World world;
  world.MustSubmit("s1");
  world.consent.permits = [](const auto&) { return false; };
  world.consent.reason = consent::v1::REASON_DIRECTORY_EXPIRED;
  EXPECT_EQ(world.TryPull().value_or(v1::PullResponse()).messages_size(), 0);
  EXPECT_EQ(rpc::ReasonOf(world.Submit(world.Note("s2", 2)).status()),
            common::v1::ERROR_REASON_DIRECTORY_EXPIRED);
  world.Withdraws(1);  // reconsidered at once, in vain
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_NOT_PERMITTED), 0u);
  world.consent.permits = [](const auto&) { return true; };
  EXPECT_EQ(world.Pull().size(), 1u);
}

TEST(Delivery, OffersNoMoreThanOneAnswerCanHold) {
  World world;
  constexpr uint64_t kMessages = 80;
  for (uint64_t i = 0; i < kMessages; ++i) {
    v1::SubmitRequest note = world.Note("s" + std::to_string(i), i + 1);
    note.mutable_content()->mutable_note()->set_text(std::string(16000, 'x'));
    ASSERT_TRUE(world.Submit(note).ok());
  }
  world.Settle();
  std::set<std::string> ids;
  while (true) {
    v1::PullRequest request;
    request.set_desk("dsol-75113");
    request.set_max_messages(1000);
    const auto pulled = world.Run(world.service().inboxes().Pull(world.Dsol(), request));
    ASSERT_TRUE(pulled.ok()) << pulled.status();
    if (pulled->messages().empty()) {
      break;
    }
    EXPECT_LT(pulled->ByteSizeLong(), size_t{1} << 20);  // else gRPC sends none of it
    for (const v1::Message& message : pulled->messages()) {
      EXPECT_TRUE(ids.insert(message.message_id()).second);
    }
    // Nothing was offered that was not handed over.
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_OFFERED), ids.size());
    world.Settle();
  }
  EXPECT_EQ(ids.size(), kMessages);
}

// D-2.7: whatever ground it was sent on, an agreement does not carry what needs an explicit one.
TEST(Delivery, OnAnAgreementSpecialSignsAreWithheld) {
  World world;
  v1::SubmitRequest report = world.Note("s1");
  v1::DistressReport& content = *report.mutable_content()->mutable_distress_report();
  content.add_signs("SERIOUS_ILLNESS");
  content.add_signs("RENT_ARREARS");
  report.add_categories("SIGNS");
  report.add_categories("SOCIAL_SITUATION");
  report.mutable_stated_ground()->set_ground(common::v1::GROUND_EMERGENCY);
  ASSERT_TRUE(world.Submit(report).ok());
  report.set_request_id("s2");
  *report.mutable_person() = world.Handle("aphp", 2);
  report.mutable_stated_ground()->set_ground(common::v1::GROUND_AGREEMENT);
  ASSERT_TRUE(world.Submit(report).ok());
  world.Settle();
  const auto messages = world.Pull();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].content().distress_report().signs_size(), 2);
  EXPECT_TRUE(messages[0].marks().empty());
  ASSERT_EQ(messages[1].content().distress_report().signs_size(), 1);
  EXPECT_EQ(messages[1].content().distress_report().signs(0), "RENT_ARREARS");
  ASSERT_EQ(messages[1].marks_size(), 1);
  EXPECT_EQ(messages[1].marks(0), "SIGNES_RETENUS");
}

}  // namespace
}  // namespace relais::routing
