// D-4.5: what nobody took in time goes to the next desk of the chain, once per deadline.
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::World;

Settings Slow() {
  // Days of virtual time: look, probe and read seldom enough.
  Settings settings;
  settings.lease = absl::Minutes(2);
  settings.probe_interval = absl::Seconds(30);
  settings.overdue_scan = absl::Seconds(10);
  return settings;
}

std::string SubmitSerious(World& world, const std::string& request_id, uint64_t person = 1) {
  v1::SubmitRequest request = world.Note(request_id, person);
  request.set_urgency(v1::URGENCY_SERIOUS);
  const auto response = world.Submit(request);
  World::Require(response.status());
  world.Settle();
  return response->message_id();
}

TEST(Escalation, OncePerDeadlineAlongTheChain) {
  World world(1, Slow());
  const std::string id = SubmitSerious(world, "s1");
  world.Settle(absl::Hours(23));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
  world.Settle(absl::Hours(2));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  EXPECT_TRUE(world.Waiting("dsol-75113").empty());
  ASSERT_EQ(world.Waiting("dsol-coordination").size(), 1u);
  EXPECT_TRUE(world.Waiting("dsol-coordination")[0].escalated());
  world.Settle(absl::Hours(20));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  world.Settle(absl::Hours(4));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 2u);
  ASSERT_EQ(world.Waiting("dsol-astreinte").size(), 1u);
  // The end of the chain: it stays there, and nothing is written any more.
  world.Settle(absl::Hours(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 2u);
  ASSERT_EQ(world.Waiting("dsol-astreinte").size(), 1u);
  const auto messages = world.Pull("dsol-astreinte");
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].message_id(), id);
  EXPECT_NE(messages[0].why_you().find("nobody took it"), std::string::npos);
}

TEST(Escalation, TakingStopsIt) {
  World world(1, Slow());
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_TRUE(world.Take(id).ok());
  world.Settle(absl::Hours(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
}

TEST(Escalation, DeliveredIsNotTaken) {
  World world(1, Slow());
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Ack(id).ok());
  world.Settle(absl::Hours(25));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  // Delivered again, where it is now.
  EXPECT_EQ(world.Pull("dsol-coordination").size(), 1u);
}

TEST(Escalation, ADeadLetterStillFindsAHuman) {
  Settings settings = Slow();
  settings.delivery.max_attempts = 1;
  World world(1, settings);
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Nack(id).ok());
  world.Settle(absl::Hours(25));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_DEAD), 1u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  EXPECT_EQ(world.Pull("dsol-coordination").size(), 1u);
}

TEST(Escalation, WhatWasMissedWhileDownIsCaughtUpOnce) {
  World world(1, Slow());
  SubmitSerious(world, "s1");
  world.harness().Crash();
  world.sim().RunFor(absl::Hours(25));
  world.Restart();
  world.Settle(absl::Minutes(5));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
  EXPECT_EQ(world.Waiting("dsol-coordination").size(), 1u);
}

TEST(Escalation, ExercisesNeverPage) {
  World world(1, Slow());
  v1::SubmitRequest request = world.Note("s1");
  request.set_urgency(v1::URGENCY_SERIOUS);
  request.set_exercise(true);
  ASSERT_TRUE(world.Submit(request).ok());
  world.Settle(absl::Hours(30));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
  ASSERT_EQ(world.Pull().size(), 1u);
}

TEST(Escalation, PassesOverADeskThatMayNotHaveIt) {
  World world(1, Slow());
  SubmitSerious(world, "s1");
  world.consent.permits = [](const auto& q) { return q.recipient_desk() != "dsol-coordination"; };
  world.Settle(absl::Hours(25));
  EXPECT_TRUE(world.Waiting("dsol-coordination").empty());
  EXPECT_EQ(world.Waiting("dsol-astreinte").size(), 1u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 1u);
}

// Her agreement names one institution: the report is not lost on the way to another.
TEST(Escalation, StaysWhereItIsWhenNobodyFurtherMayHaveIt) {
  World world(1, Slow());
  const std::string id = SubmitSerious(world, "s1");
  ASSERT_EQ(world.Pull().size(), 1u);
  ASSERT_TRUE(world.Ack(id).ok());
  world.consent.permits = [](const auto& q) { return q.recipient_desk() == "dsol-75113"; };
  world.Settle(absl::Hours(60));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_ESCALATED), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u);
  EXPECT_EQ(world.Waiting().size(), 1u);
  EXPECT_TRUE(world.Take(id).ok());
}

TEST(Escalation, WithinTheInstitutionDoesNotWaitForConsent) {
  World world(1, Slow());
  SubmitSerious(world, "s1");
  world.consent.down = absl::UnavailableError("down");
  world.Settle(absl::Hours(25));
  EXPECT_EQ(world.Waiting("dsol-coordination").size(), 1u);
}

}  // namespace
}  // namespace relais::routing
