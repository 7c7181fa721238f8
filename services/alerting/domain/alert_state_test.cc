#include "services/alerting/domain/alert_state.h"

#include <gtest/gtest.h>

namespace relais::alerting {
namespace {

using State = v1::Alert;

v1::AlertState In(State::State state) {
  v1::AlertState alert;
  alert.set_state(state);
  alert.set_row("row-1");
  alert.set_facts(1);
  return alert;
}

constexpr State::State kAll[] = {
    State::STATE_PENDING_CONSENT, State::STATE_NOT_PERMITTED, State::STATE_SENT,     State::STATE_DELIVERED,
    State::STATE_TAKEN,           State::STATE_CLOSED,        State::STATE_WITHDRAWN};

TEST(Advance, OnlyForward) {
  const auto may = [](State::State from, State::State to) {
    v1::AlertState alert = In(from);
    const bool moved = Advance(alert, to);
    EXPECT_EQ(alert.state(), moved ? to : from);
    return moved;
  };
  EXPECT_TRUE(may(State::STATE_PENDING_CONSENT, State::STATE_SENT));
  EXPECT_TRUE(may(State::STATE_PENDING_CONSENT, State::STATE_NOT_PERMITTED));
  EXPECT_TRUE(may(State::STATE_SENT, State::STATE_DELIVERED));
  EXPECT_TRUE(may(State::STATE_PENDING_CONSENT, State::STATE_DELIVERED));  // facts out of order
  EXPECT_FALSE(may(State::STATE_DELIVERED, State::STATE_SENT));
  EXPECT_FALSE(may(State::STATE_CLOSED, State::STATE_DELIVERED));
  EXPECT_FALSE(may(State::STATE_WITHDRAWN, State::STATE_SENT));
  EXPECT_FALSE(may(State::STATE_SENT, State::STATE_UNSPECIFIED));
  // A take outlives everything, and nothing ends it.
  for (const auto state : kAll) {
    if (state != State::STATE_TAKEN) {
      EXPECT_TRUE(may(state, State::STATE_TAKEN)) << state;
      EXPECT_FALSE(may(State::STATE_TAKEN, state)) << state;
    }
    EXPECT_FALSE(may(state, state));
  }
}

TEST(Settle, ClosesWhatNobodyTook) {
  // D-1.12.
  for (const auto state : {State::STATE_PENDING_CONSENT, State::STATE_SENT, State::STATE_DELIVERED}) {
    v1::AlertState alert = In(state);
    EXPECT_TRUE(Settle(alert, "payment", Settled::kAll, "paid"));
    EXPECT_EQ(alert.state(), State::STATE_CLOSED);
    EXPECT_EQ(alert.settling(), "payment");
    EXPECT_TRUE(alert.notes().empty());
    alert.clear_settling();
    EXPECT_FALSE(Settle(alert, "payment", Settled::kAll, "paid"));
    EXPECT_EQ(alert.settling(), "");
  }
}

TEST(Settle, AddsToWhatAHumanTookAndNeverClosesIt) {
  v1::AlertState alert = In(State::STATE_TAKEN);
  EXPECT_TRUE(Settle(alert, "payment", Settled::kAll, "paid"));
  EXPECT_EQ(alert.state(), State::STATE_TAKEN);
  ASSERT_EQ(alert.notes_size(), 1);
  EXPECT_EQ(alert.notes(0), "paid");
  EXPECT_FALSE(Settle(alert, "payment", Settled::kAll, "paid"));
  EXPECT_TRUE(Settle(alert, "restored", Settled::kAll, "restored"));
  EXPECT_EQ(alert.notes_size(), 2);
  EXPECT_FALSE(Settle(alert, "payment", Settled::kAll, "paid"));  // read again after the other
}

TEST(Settle, ASecondOneOfAClosedAlertIsToldToo) {
  v1::AlertState alert = In(State::STATE_SENT);
  ASSERT_TRUE(Settle(alert, "payment", Settled::kAll, "paid"));
  EXPECT_TRUE(Settle(alert, "restored", Settled::kAll, "restored"));
  EXPECT_EQ(alert.state(), State::STATE_CLOSED);
}

TEST(Settle, WhatNobodyWasToldNeedsNoEnd) {
  for (const auto state : {State::STATE_NOT_PERMITTED, State::STATE_WITHDRAWN}) {
    v1::AlertState alert = In(state);
    EXPECT_FALSE(Settle(alert, "payment", Settled::kAll, "paid"));
    EXPECT_EQ(alert.state(), state);
  }
}

TEST(Settle, InPartItAddsAndClosesNothing) {
  // D-1.12: she who paid one bill has not paid the others.
  for (const auto state :
       {State::STATE_PENDING_CONSENT, State::STATE_SENT, State::STATE_DELIVERED, State::STATE_TAKEN}) {
    v1::AlertState alert = In(state);
    EXPECT_TRUE(Settle(alert, "payment", Settled::kInPart, "one paid"));
    EXPECT_EQ(alert.state(), state);
    EXPECT_EQ(alert.settling(), "payment");
    ASSERT_EQ(alert.notes_size(), 1);
    EXPECT_FALSE(Settle(alert, "payment", Settled::kInPart, "one paid"));
    EXPECT_TRUE(Settle(alert, "the last", Settled::kAll, "paid"));
    EXPECT_EQ(alert.state(), state == State::STATE_TAKEN ? State::STATE_TAKEN : State::STATE_CLOSED);
  }
  for (const auto state : {State::STATE_NOT_PERMITTED, State::STATE_WITHDRAWN, State::STATE_CLOSED}) {
    v1::AlertState alert = In(state);
    EXPECT_FALSE(Settle(alert, "payment", Settled::kInPart, "one paid"));
    EXPECT_EQ(alert.state(), state);
  }
}

TEST(Join, CountsEachFactOnceAndKeepsItsMarks) {
  v1::AlertState alert = In(State::STATE_SENT);
  v1::RowState row;
  row.add_marks("A_VERIFIER_TREVE");
  EXPECT_TRUE(Join(alert, "row-2", row));
  EXPECT_FALSE(Join(alert, "row-2", row));
  EXPECT_FALSE(Join(alert, "row-1", row));  // the one that raised it
  EXPECT_TRUE(Join(alert, "row-3", row));
  EXPECT_EQ(alert.facts(), 3u);
  EXPECT_EQ(alert.marks_size(), 1);
  EXPECT_EQ(alert.state(), State::STATE_SENT);
  EXPECT_EQ(alert.round(), 0u);
  EXPECT_EQ(alert.row(), "row-1");
}

TEST(Join, ReopensWhatHadEnded) {
  for (const auto state : {State::STATE_CLOSED, State::STATE_NOT_PERMITTED, State::STATE_WITHDRAWN}) {
    v1::AlertState alert = In(state);
    alert.set_message_id("m1");
    alert.set_desk("d");
    ASSERT_TRUE(Join(alert, "row-2", {}));
    EXPECT_EQ(alert.state(), State::STATE_PENDING_CONSENT);
    EXPECT_EQ(alert.row(), "row-2");
    EXPECT_EQ(alert.round(), 1u);
    EXPECT_EQ(alert.message_id(), "");
    EXPECT_EQ(alert.desk(), "");
    EXPECT_FALSE(Join(alert, "row-2", {}));
    // News of the first message is old news.
    EXPECT_FALSE(IsAbout(alert, "m1"));
    EXPECT_TRUE(IsAbout(alert, "m2"));
    alert.set_message_id("m2");
    EXPECT_TRUE(IsAbout(alert, "m2"));
    EXPECT_FALSE(IsAbout(alert, "m3"));
  }
  v1::AlertState taken = In(State::STATE_TAKEN);
  ASSERT_TRUE(Join(taken, "row-2", {}));
  EXPECT_EQ(taken.state(), State::STATE_TAKEN);
}

TEST(WaitsForSending, UntilItsMessageIsKnown) {
  v1::AlertState alert = In(State::STATE_PENDING_CONSENT);
  EXPECT_TRUE(WaitsForSending(alert, 0));
  EXPECT_FALSE(WaitsForSending(alert, 1));
  // Routing's log was faster than the note of the sending.
  Advance(alert, State::STATE_DELIVERED);
  EXPECT_TRUE(WaitsForSending(alert, 0));
  alert.set_message_id("m1");
  EXPECT_FALSE(WaitsForSending(alert, 0));
  EXPECT_FALSE(WaitsForSending(In(State::STATE_CLOSED), 0));
  EXPECT_FALSE(WaitsForSending(In(State::STATE_NOT_PERMITTED), 0));
}

}  // namespace
}  // namespace relais::alerting
