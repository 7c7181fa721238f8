// D-4.5: what nobody took in time goes to the next desk of the chain, once per deadline.
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::World;

std::string SubmitSerious(World& world, const std::string& request_id, uint64_t person = 1) {
  v1::SubmitRequest request = world.Note(request_id, person);
  request.set_urgency(v1::URGENCY_SERIOUS);
  const auto response = world.Submit(request);
  World::Require(response.status());
  world.Settle();
  return response->message_id();
}

TEST(Escalation, OncePerDeadlineAlongTheChain) {
  World world;
  const std::string id = SubmitSerious(world, "s1");
  world.Pass(absl::Hours(23));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
  world.Pass(absl::Hours(2));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  EXPECT_TRUE(world.Waiting("dsol-75113").empty());
  ASSERT_EQ(world.Waiting("dsol-coordination").size(), 1u);
  EXPECT_TRUE(world.Waiting("dsol-coordination")[0].escalated());
  world.Pass(absl::Hours(20));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  world.Pass(absl::Hours(4));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 2u);
  ASSERT_EQ(world.Waiting("dsol-astreinte").size(), 1u);
  // The end of the chain: it stays there, and nothing is written any more.
  world.Pass(absl::Hours(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 2u);
  ASSERT_EQ(world.Waiting("dsol-astreinte").size(), 1u);
  const auto messages = world.Pull("dsol-astreinte");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].message_id(), id);
  EXPECT_NE(messages[0].why_you().find("nobody took it"), std::string::npos);
}

TEST(Escalation, TakingStopsIt) {
  World world;
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_TRUE(world.Take(id).ok());
  world.Pass(absl::Hours(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
}

TEST(Escalation, DeliveredIsNotTaken) {
  World world;
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Ack(id).ok());
  world.Pass(absl::Hours(25));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  // Delivered again, where it is now.
  EXPECT_EQ(world.Pull("dsol-coordination").size(), 1u);
}

TEST(Escalation, ADeadLetterStillFindsAHuman) {
  Settings settings;
  settings.delivery.max_attempts = 1;
  World world(1, settings);
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Nack(id).ok());
  world.Pass(absl::Hours(25));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_DEAD), 1u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  EXPECT_EQ(world.Pull("dsol-coordination").size(), 1u);
}

TEST(Escalation, WhatWasMissedWhileDownIsCaughtUpOnce) {
  World world;
  SubmitSerious(world, "s1");
  world.Restart();
  world.Pass(absl::Hours(25));
  world.Restart();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  EXPECT_EQ(world.Waiting("dsol-coordination").size(), 1u);
}

TEST(Escalation, ExercisesNeverPage) {
  World world;
  v1::SubmitRequest request = world.Note("s1");
  request.set_urgency(v1::URGENCY_SERIOUS);
  request.set_exercise(true);
  ASSERT_TRUE(world.Submit(request).ok());
  world.Pass(absl::Hours(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
  ASSERT_EQ(world.Pull().size(), 1u);
}

TEST(Escalation, TheOldDesksStalePointerGivesNothing) {
  // From the SIAO's desk to the 115: another institution.
  World world;
  v1::SubmitRequest request = world.Note("s1", 1, "siao-urgence");
  request.set_urgency(v1::URGENCY_SERIOUS);
  ASSERT_TRUE(world.Submit(request).ok());
  world.Settle();
  world.Pass(absl::Hours(24) - absl::Minutes(1));
  // Between the escalation and the follower that moves the pointer.
  world.sim().RunUntil([&] { return world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED) == 1; },
                       absl::Minutes(10));
  v1::PullRequest pull;
  pull.set_desk("siao-urgence");
  const auto siao = world.Run(world.service().inboxes().Pull(world.As("siao", "urgence"), pull));
  ASSERT_TRUE(siao.ok()) << siao.status();
  EXPECT_EQ(siao->messages_size(), 0);
  world.Settle();
  pull.set_desk("samusocial-115");
  const auto samu = world.Run(world.service().inboxes().Pull(world.As("samusocial", "115"), pull));
  ASSERT_TRUE(samu.ok()) << samu.status();
  ASSERT_EQ(samu->messages_size(), 1);
  EXPECT_EQ(samu->messages(0).person().handle(), world.Handle("samusocial", 1).handle());
  EXPECT_EQ(world.consent.asked.back().recipient().institution(), "samusocial");
}

}  // namespace
}  // namespace relais::routing
