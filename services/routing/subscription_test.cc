// InboxService.Subscribe with a scripted client.
#include <gtest/gtest.h>

#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::ScriptedStream;
using testing::World;

class SubscriptionTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (auto& subscription : subscriptions_) {
      subscription->stream->HangUp();
    }
    world_->Settle(absl::Seconds(5));
    for (auto& subscription : subscriptions_) {
      EXPECT_TRUE(subscription->ended.has_value());
    }
  }
  struct Subscription {
    std::shared_ptr<ScriptedStream> stream;
    std::optional<absl::Status> ended;
  };
  Subscription& Subscribe(uint32_t max_in_flight = 10, const std::string& desk = "dsol-75113",
                          std::optional<rpc::Call> call = std::nullopt) {
    auto subscription = std::make_unique<Subscription>();
    subscription->stream = std::make_shared<ScriptedStream>(world_->sim());
    subscription->stream->Open(desk, max_in_flight);
    Start(world_->service().inboxes().Subscribe(call.value_or(world_->Dsol()), subscription->stream),
          [s = subscription.get()](absl::Status status) { s->ended = std::move(status); });
    subscriptions_.push_back(std::move(subscription));
    world_->Settle();
    return *subscriptions_.back();
  }
  void Make(Settings settings = {}) { world_ = std::make_unique<World>(1, settings); }

  std::unique_ptr<World> world_ = std::make_unique<World>();
  std::vector<std::unique_ptr<Subscription>> subscriptions_;
};

TEST_F(SubscriptionTest, GetsWhatWaitsAndWhatComes) {
  const std::string first = world_->MustSubmit("s1", 1);
  Subscription& subscription = Subscribe();
  ASSERT_EQ(subscription.stream->got.size(), 1u);
  EXPECT_EQ(subscription.stream->got[0].message_id(), first);
  const std::string second = world_->MustSubmit("s2", 2);
  ASSERT_EQ(subscription.stream->got.size(), 2u);
  EXPECT_EQ(subscription.stream->got[1].message_id(), second);
  subscription.stream->Ack(first);
  subscription.stream->Ack(second);
  world_->Settle();
  EXPECT_EQ(world_->Count(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED), 2u);
  EXPECT_FALSE(subscription.ended.has_value());
}

TEST_F(SubscriptionTest, SendsNoMoreThanTheCreditAndGoesOnWithEachAnswer) {
  for (int i = 0; i < 5; ++i) {
    world_->MustSubmit("s" + std::to_string(i), static_cast<uint64_t>(i + 1));
  }
  Subscription& subscription = Subscribe(2);
  ASSERT_EQ(subscription.stream->got.size(), 2u);
  subscription.stream->Ack(subscription.stream->got[0].message_id());
  world_->Settle();
  ASSERT_EQ(subscription.stream->got.size(), 3u);
  subscription.stream->Nack(subscription.stream->got[1].message_id());
  world_->Settle();
  EXPECT_EQ(subscription.stream->got.size(), 4u);
}

TEST_F(SubscriptionTest, CreditComesBackWhenAMessageMayBeSentAgain) {
  Settings settings;
  settings.delivery.visible = absl::Seconds(10);
  Make(settings);
  const std::string id = world_->MustSubmit("s1");
  Subscription& subscription = Subscribe(1);
  ASSERT_EQ(subscription.stream->got.size(), 1u);
  world_->Settle(absl::Seconds(15));
  ASSERT_EQ(subscription.stream->got.size(), 2u);
  EXPECT_EQ(subscription.stream->got[1].message_id(), id);
  EXPECT_EQ(subscription.stream->got[1].attempt(), 2u);
}

TEST_F(SubscriptionTest, TwoOfThemShareADesk) {
  Subscription& one = Subscribe();
  Subscription& two = Subscribe();
  for (int i = 0; i < 10; ++i) {
    world_->MustSubmit("s" + std::to_string(i), static_cast<uint64_t>(i + 1));
  }
  std::set<std::string> ids;
  for (const auto* stream : {one.stream.get(), two.stream.get()}) {
    for (const v1::Message& message : stream->got) {
      EXPECT_TRUE(ids.insert(message.message_id()).second) << "sent twice";
    }
  }
  EXPECT_EQ(ids.size(), 10u);
}

TEST_F(SubscriptionTest, WaitsWithoutALeaseAndGoesOn) {
  Subscription& subscription = Subscribe();
  world_->CutConsentLog(true);
  world_->Settle(absl::Seconds(3));
  world_->MustSubmit("s1");
  EXPECT_TRUE(subscription.stream->got.empty());
  EXPECT_FALSE(subscription.ended.has_value());
  world_->CutConsentLog(false);
  world_->Settle(absl::Seconds(3));
  EXPECT_EQ(subscription.stream->got.size(), 1u);
}

TEST_F(SubscriptionTest, AnAnswerThatComesTooLateDoesNotEndIt) {
  const std::string id = world_->MustSubmit("s1");
  Subscription& subscription = Subscribe();
  ASSERT_EQ(subscription.stream->got.size(), 1u);
  world_->consent.permits = [](const auto&) { return false; };
  world_->Withdraws(1);
  world_->Settle();
  subscription.stream->Ack(id);  // pulled back meanwhile
  world_->Settle();
  EXPECT_FALSE(subscription.ended.has_value());
  world_->consent.permits = [](const auto&) { return true; };
  world_->MustSubmit("s2", 2);
  EXPECT_EQ(subscription.stream->got.size(), 2u);
}

TEST_F(SubscriptionTest, OpenComesFirstAndOnce) {
  auto silent = std::make_shared<ScriptedStream>(world_->sim());
  silent->Ack(std::string(32, '0'));
  EXPECT_EQ(world_->Run(world_->service().inboxes().Subscribe(world_->Dsol(), silent)).code(),
            absl::StatusCode::kInvalidArgument);
  Subscription& twice = Subscribe();
  twice.stream->Open("dsol-75113", 1);
  world_->Settle();
  ASSERT_TRUE(twice.ended.has_value());
  EXPECT_EQ(twice.ended->code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SubscriptionTest, AnothersDeskIsNotFound) {
  Subscription& subscription = Subscribe(10, "dsol-75113", world_->As("caf", "droits"));
  ASSERT_TRUE(subscription.ended.has_value());
  EXPECT_TRUE(absl::IsNotFound(*subscription.ended));
}

TEST_F(SubscriptionTest, GetsNothingAnyMoreOnceTheDeskIsAnothers) {
  Subscription& subscription = Subscribe(10, "caf-droits", world_->As("caf", "droits"));
  world_->MustSubmit("s1", 1, "caf-droits");
  ASSERT_EQ(subscription.stream->got.size(), 1u);
  world_->SetDirectory(directory::testing::Replaced(directory::testing::SampleYaml(),
                                                    "  - id: caf-droits\n    institution: caf\n",
                                                    "  - id: caf-droits\n    institution: cpam\n"));
  world_->MustSubmit("s2", 2, "caf-droits");  // for the new institution
  world_->Settle(absl::Seconds(5));
  EXPECT_EQ(subscription.stream->got.size(), 1u);
  EXPECT_EQ(world_->Count(audit::v1::EVENT_CLASS_MESSAGE_OFFERED), 1u);
}

}  // namespace
}  // namespace relais::routing
