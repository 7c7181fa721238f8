// The process dies at every step of a batch: whoever sends it again loses nothing and doubles nothing.
#include <gtest/gtest.h>

#include "services/alerting/testing/world.h"

namespace relais::alerting {
namespace {

using testing::Cut;
using testing::EdfColumn;
using testing::Letter;
using testing::Payment;
using testing::Report;
using testing::World;
using Outcomes = std::vector<std::string>;

// Three records, a duplicate, an objection, refusals.
std::vector<v1::FeedRow> Batch() {
  return {Cut("A"),
          Cut("B", {{EdfColumn::kNom, "Martin"}}),
          Cut("A"),
          Payment("P"),
          Cut("X", {{EdfColumn::kMontantDu, "x"}}),
          Letter("O", {{EdfColumn::kNom, "Petit"}, {EdfColumn::kOpposition, "OUI"}}),
          Cut("C", {{EdfColumn::kNom, "Petit"}})};
}
const Outcomes& FirstTime() {
  static const Outcomes outcomes = {"ACCEPTED",   "ACCEPTED", "DUPLICATE", "ACCEPTED",
                                    "BAD_AMOUNT", "OPPOSED",  "OPPOSED"};
  return outcomes;
}

std::optional<Outcomes> SubmitAndDie(World& world, uint64_t step) {
  std::optional<Outcomes> outcomes;
  world.CrashAt(step);
  Start(world.service().signals().SubmitRows(world.As("edf"), World::RequestOf(v1::FEED_TYPE_EDF, Batch())),
        [&](absl::StatusOr<v1::SubmitRowsResponse> answer) {
          if (answer.ok()) {
            outcomes = World::Outcomes(*answer);
          }
        });
  world.Settle(absl::Seconds(1));
  return outcomes;
}

TEST(IntakeCrash, SentAgainNothingIsLostAndNothingDoubled) {
  int died = 0;
  for (uint64_t step = 0; step < 40; ++step) {
    World world(step + 1);
    world.Restart();
    const auto first = SubmitAndDie(world, step);
    died += world.Dead() ? 1 : 0;
    world.Restart();
    const Outcomes again = world.Submit(Batch());
    for (size_t i = 0; i < again.size(); ++i) {
      const bool durable = first.has_value() && (*first)[i] == "ACCEPTED";
      if (durable) {
        EXPECT_EQ(again[i], "DUPLICATE") << "step " << step << " row " << i;
      } else if (FirstTime()[i] == "ACCEPTED") {
        EXPECT_TRUE(again[i] == "ACCEPTED" || again[i] == "DUPLICATE")
            << again[i] << " step " << step << " row " << i;
      } else {
        EXPECT_EQ(again[i], FirstTime()[i]) << "step " << step << " row " << i;
      }
    }
    world.Settle(absl::Seconds(20));
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 3u) << "step " << step;
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_OBJECTION_NOTED), 1u) << "step " << step;
    // Two cuts: two alerts, of which one is settled, perhaps before it was sent.
    EXPECT_EQ(world.peers().registered.size() >= 1 && world.peers().registered.size() <= 2, true)
        << "step " << step;
    EXPECT_EQ(world.peers().objections.size(), 1u) << "step " << step;
    EXPECT_NE(world.DeliveryOf("B"), v1::Delivery::STATE_UNSPECIFIED) << "step " << step;
    EXPECT_EQ(world.DeliveryOf("X"), v1::Delivery::STATE_UNSPECIFIED);
  }
  EXPECT_GT(died, 10);
}

// A claim whose row never came, taken over by another row of that reference.
TEST(IntakeCrash, AnAbandonedClaimBurnsNoReference) {
  bool abandoned = false;
  for (uint64_t step = 0; step < 8; ++step) {
    World world(step + 1);
    world.Restart();
    world.CrashAt(step);
    Start(world.service().signals().SubmitRows(world.As("edf"),
                                               World::RequestOf(v1::FEED_TYPE_EDF, {Cut("A")})),
          [](absl::StatusOr<v1::SubmitRowsResponse>) {});
    world.Settle(absl::Seconds(1));
    world.Restart();
    const bool was_accepted = world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED) == 1;
    abandoned = abandoned || !was_accepted;
    // Corrected by the sender: another content, another record.
    const auto corrected = Cut("A", {{EdfColumn::kNom, "Dupond"}});
    EXPECT_EQ(world.SubmitOne(corrected), was_accepted ? "REFERENCE_REUSED" : "ACCEPTED") << "step " << step;
    EXPECT_EQ(world.SubmitOne(Cut("A")), was_accepted ? "DUPLICATE" : "REFERENCE_REUSED") << "step " << step;
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_SIGNAL_ACCEPTED), 1u);
  }
  EXPECT_TRUE(abandoned);
}

TEST(IntakeCrash, FollowersEffectsHappenOnceWhereverTheProcessDies) {
  for (uint64_t step = 0; step < 30; ++step) {
    World world(step + 1);
    world.Restart();
    nlohmann::json report = feeds::testing::BsppReport();
    report["danger"] = "SERIOUS";
    ASSERT_EQ(world.SubmitOne(Report("B1", report), "bspp"), "ACCEPTED");
    world.CrashAt(step);
    world.Settle(absl::Seconds(3));
    world.Restart();
    world.Settle(absl::Seconds(20));
    EXPECT_EQ(world.peers().registered.size(), 1u) << "step " << step;
    EXPECT_EQ(world.peers().agreements.size(), 1u) << "step " << step;
    ASSERT_EQ(world.peers().submitted.size(), 1u) << "step " << step;
    const auto alerts = world.Alerts();
    ASSERT_EQ(alerts.size(), 1u) << "step " << step;
    EXPECT_EQ(alerts[0].state(), v1::Alert::STATE_SENT) << "step " << step;
    EXPECT_EQ(alerts[0].message_id(), world.peers().MessageOf(0)) << "step " << step;
    world.Delivered(0);
    EXPECT_TRUE(world.Alerts().at(0).has_person()) << "step " << step;
  }
}

TEST(IntakeCrash, ADeliveryToldBeforeTheSendingWasNotedLosesNothing) {
  for (uint64_t step = 0; step < 24; ++step) {
    World world(step + 1);
    world.Restart();
    ASSERT_EQ(world.SubmitOne(Cut("A")), "ACCEPTED");
    world.CrashAt(step);
    // Routing tells of the delivery as soon as it has the message.
    world.sim().RunUntil([&] { return !world.peers().submitted.empty() || world.Dead(); }, absl::Seconds(5));
    if (!world.peers().submitted.empty()) {
      world.Delivered(0);
    }
    world.Settle(absl::Seconds(3));
    world.Restart();
    world.Settle(absl::Seconds(20));
    ASSERT_EQ(world.peers().submitted.size(), 1u) << "step " << step;
    const auto alerts = world.Alerts();
    ASSERT_EQ(alerts.size(), 1u) << "step " << step;
    EXPECT_EQ(alerts[0].message_id(), world.peers().MessageOf(0)) << "step " << step;
    world.Delivered(0);  // again, or for the first time
    EXPECT_TRUE(world.Alerts().at(0).has_person()) << "step " << step;
  }
}

}  // namespace
}  // namespace relais::alerting
