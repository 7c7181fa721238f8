#include "services/routing/domain/delivery.h"

#include <gtest/gtest.h>

#include "common/base/proto_time.h"
#include "common/rpc/call.h"

namespace relais::routing {
namespace {

using State = v1::MessageState;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

v1::MessageState Queued() {
  v1::MessageState message;
  message.set_delivery(State::DELIVERY_QUEUED);
  *message.mutable_deadline() = ToProto(kNow + absl::Hours(24));
  return message;
}

v1::MessageState Offered(int attempts = 1) {
  v1::MessageState message = Queued();
  message.set_delivery(State::DELIVERY_OFFERED);
  message.set_attempts(attempts);
  return message;
}

v1::MessageState In(State::Delivery delivery) {
  v1::MessageState message = Offered();
  message.set_delivery(delivery);
  return message;
}

bool IsWrongState(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) && rpc::ReasonOf(status) == common::v1::ERROR_REASON_WRONG_STATE;
}

TEST(Offer, CountsAttemptsAndDoublesTheDelayUpToItsLimit) {
  const DeliveryRules rules{
      .visible = absl::Seconds(60), .longest_delay = absl::Minutes(5), .max_attempts = 9};
  v1::MessageState message = Queued();
  absl::Time now = kNow;
  for (const int seconds : {60, 120, 240, 300, 300}) {
    ASSERT_TRUE(Offer(message, rules, "p", now).ok());
    EXPECT_EQ(FromProto(message.next_attempt()), now + absl::Seconds(seconds));
    EXPECT_FALSE(IsDue(message, now + absl::Seconds(seconds) - absl::Milliseconds(1)));
    now += absl::Seconds(seconds);
    EXPECT_TRUE(IsDue(message, now));
  }
  EXPECT_EQ(message.attempts(), 5u);
  EXPECT_EQ(message.delivery(), State::DELIVERY_OFFERED);
  EXPECT_EQ(message.permit_id(), "p");
}

TEST(Offer, NotBeforeItsTimeNorWhenItIsOver) {
  const DeliveryRules rules;
  v1::MessageState message = Queued();
  *message.mutable_next_attempt() = ToProto(kNow + absl::Seconds(1));
  EXPECT_TRUE(IsWrongState(Offer(message, rules, "p", kNow)));
  EXPECT_EQ(message.attempts(), 0u);
  for (const auto over : {State::DELIVERY_DONE, State::DELIVERY_WITHDRAWN, State::DELIVERY_DEAD}) {
    v1::MessageState gone = In(over);
    EXPECT_TRUE(IsWrongState(Offer(gone, rules, "p", kNow))) << over;
  }
}

TEST(Offer, DiesAfterTheLastAttempt) {
  const DeliveryRules rules{
      .visible = absl::Seconds(1), .longest_delay = absl::Seconds(1), .max_attempts = 2};
  v1::MessageState message = Queued();
  ASSERT_TRUE(Offer(message, rules, "p", kNow).ok());
  ASSERT_TRUE(Offer(message, rules, "p", kNow + absl::Seconds(1)).ok());
  EXPECT_EQ(message.delivery(), State::DELIVERY_OFFERED);
  ASSERT_TRUE(Offer(message, rules, "p", kNow + absl::Seconds(2)).ok());
  EXPECT_EQ(message.delivery(), State::DELIVERY_DEAD);
}

TEST(Acknowledge, ALateOneCountsARepeatedOneChangesNothing) {
  v1::MessageState message = Offered(3);
  EXPECT_EQ(Acknowledge(message).value(), true);
  EXPECT_EQ(message.delivery(), State::DELIVERY_DONE);
  EXPECT_EQ(Acknowledge(message).value(), false);
  // After it was given back, and after it was given up.
  for (const auto late : {State::DELIVERY_QUEUED, State::DELIVERY_DEAD}) {
    v1::MessageState again = In(late);
    EXPECT_EQ(Acknowledge(again).value(), true) << late;
    EXPECT_EQ(again.delivery(), State::DELIVERY_DONE);
  }
}

TEST(Acknowledge, NotWhatWasNeverSentNorWhatWasPulledBack) {
  v1::MessageState fresh = Queued();
  EXPECT_TRUE(IsWrongState(Acknowledge(fresh).status()));
  v1::MessageState withdrawn = In(State::DELIVERY_WITHDRAWN);
  EXPECT_TRUE(IsWrongState(Acknowledge(withdrawn).status()));
}

TEST(Reject, WaitsThenDies) {
  const DeliveryRules rules{.visible = absl::Seconds(10), .longest_delay = absl::Hours(1), .max_attempts = 2};
  v1::MessageState message = Offered(1);
  EXPECT_EQ(Reject(message, rules, kNow).value(), false);
  EXPECT_EQ(message.delivery(), State::DELIVERY_QUEUED);
  EXPECT_EQ(FromProto(message.next_attempt()), kNow + absl::Seconds(10));
  EXPECT_TRUE(IsWrongState(Reject(message, rules, kNow).status()));
  v1::MessageState last = Offered(2);
  EXPECT_EQ(Reject(last, rules, kNow).value(), true);
  EXPECT_EQ(last.delivery(), State::DELIVERY_DEAD);
}

TEST(Take, OneHumanOnceWhateverTheDelivery) {
  for (const auto delivery :
       {State::DELIVERY_QUEUED, State::DELIVERY_OFFERED, State::DELIVERY_DONE, State::DELIVERY_DEAD}) {
    v1::MessageState message = In(delivery);
    EXPECT_EQ(Take(message, "anne", "assistant-social").value(), true) << delivery;
    EXPECT_EQ(message.delivery(), delivery);
    EXPECT_EQ(Take(message, "anne", "assistant-social").value(), false);
    EXPECT_TRUE(IsWrongState(Take(message, "bob", "assistant-social").status()));
    EXPECT_EQ(message.taken_by(), "anne");
  }
  v1::MessageState withdrawn = In(State::DELIVERY_WITHDRAWN);
  EXPECT_TRUE(IsWrongState(Take(withdrawn, "anne", "f").status()));
}

TEST(Withdraw, OnlyWhatIsNotDelivered) {
  for (const auto undelivered : {State::DELIVERY_QUEUED, State::DELIVERY_OFFERED}) {
    v1::MessageState message = In(undelivered);
    EXPECT_TRUE(Withdraw(message));
    EXPECT_EQ(message.delivery(), State::DELIVERY_WITHDRAWN);
    EXPECT_FALSE(Withdraw(message));
  }
  for (const auto over : {State::DELIVERY_DONE, State::DELIVERY_DEAD}) {
    v1::MessageState message = In(over);
    EXPECT_FALSE(Withdraw(message)) << over;
    EXPECT_EQ(message.delivery(), over);
  }
}

TEST(TakeBack, WhatNoSystemHasIsWithdrawnTheRestStops) {
  for (const auto waits : {State::DELIVERY_QUEUED, State::DELIVERY_OFFERED, State::DELIVERY_DEAD}) {
    v1::MessageState message = In(waits);
    EXPECT_EQ(TakeBack(message), TakenBack::kWithdrawn) << waits;
    EXPECT_EQ(message.delivery(), State::DELIVERY_WITHDRAWN);
    EXPECT_EQ(TakeBack(message), TakenBack::kNothing);
  }
  v1::MessageState there = In(State::DELIVERY_DONE);
  const absl::Time deadline = FromProto(there.deadline());
  ASSERT_TRUE(IsOverdue(there, deadline));
  EXPECT_EQ(TakeBack(there), TakenBack::kStays);
  EXPECT_EQ(there.delivery(), State::DELIVERY_DONE);
  EXPECT_FALSE(IsOverdue(there, deadline));
  EXPECT_EQ(TakeBack(there), TakenBack::kNothing);
  EXPECT_TRUE(*Take(there, "anne", "f")) << "it is there";
  for (const auto over : {State::DELIVERY_DONE, State::DELIVERY_DEAD}) {
    v1::MessageState taken = In(over);
    ASSERT_TRUE(Take(taken, "anne", "f").ok());
    EXPECT_EQ(TakeBack(taken), TakenBack::kNothing) << over;
  }
}

TEST(IsOverdue, FromTheDeadlineUntilSomebodyTakesIt) {
  v1::MessageState message = Queued();
  const absl::Time deadline = FromProto(message.deadline());
  EXPECT_FALSE(IsOverdue(message, deadline - absl::Milliseconds(1)));
  EXPECT_TRUE(IsOverdue(message, deadline));
  // A system that has it, or will never have it, is not a human who took it.
  EXPECT_TRUE(IsOverdue(
      [&] {
        v1::MessageState done = message;
        done.set_delivery(State::DELIVERY_DONE);
        return done;
      }(),
      deadline));
  message.set_delivery(State::DELIVERY_DEAD);
  EXPECT_TRUE(IsOverdue(message, deadline));
  message.set_delivery(State::DELIVERY_WITHDRAWN);
  EXPECT_FALSE(IsOverdue(message, deadline));
  v1::MessageState taken = Queued();
  ASSERT_TRUE(Take(taken, "anne", "f").ok());
  EXPECT_FALSE(IsOverdue(taken, deadline));
  v1::MessageState exercise = Queued();
  exercise.set_exercise(true);
  EXPECT_FALSE(IsOverdue(exercise, deadline));
}

TEST(MoveTo, StartsAgainAtTheNextDesk) {
  v1::MessageState message = In(State::DELIVERY_DEAD);
  message.set_desk("a");
  message.mutable_recipient()->set_institution("one");
  message.mutable_recipient()->set_function("f");
  *message.mutable_next_attempt() = ToProto(kNow);
  MoveTo(message, "b", "two", kNow + absl::Hours(24), "why");
  EXPECT_EQ(message.desk(), "b");
  EXPECT_EQ(message.recipient().institution(), "two");
  EXPECT_EQ(message.recipient().function(), "");
  EXPECT_EQ(message.past_desks(0), "a");
  EXPECT_EQ(message.attempts(), 0u);
  EXPECT_EQ(message.why(), "why");
  EXPECT_TRUE(IsDue(message, kNow));
  EXPECT_FALSE(IsOverdue(message, kNow));
}

}  // namespace
}  // namespace relais::routing
