#include "services/consent/domain/receipt_state.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::MakeLine;
using testing::Noon;
using testing::SampleRules;
using testing::To;

absl::Time Day(int day) { return Noon(2026, 11, day); }

class ReceiptStateTest : public ::testing::Test {
 protected:
  ReceiptStateTest() {
    agreement_.id = IdOf(1);
    agreement_.at = agreement_.recorded = agreement_.valid_from = Day(2);
    agreement_.valid_until = Day(20);
    agreement_.lines = {MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf")})};
  }
  void Deny(int day, const Line& line, std::optional<Id128> agreement = std::nullopt) {
    state_.Add(
        Denial{IdOf(static_cast<uint8_t>(day)), Denial::Kind::kWithdrawal, Day(day), agreement, {line}});
  }
  StateOfReceipt On(int day) const { return ReceiptStateOf(state_, agreement_, SampleRules(), Day(day)); }

  Agreement agreement_;
  PersonState state_;
};

TEST_F(ReceiptStateTest, ByItsPeriod) {
  EXPECT_EQ(On(1).state, v1::RECEIPT_STATE_NOT_YET);
  EXPECT_EQ(On(2).state, v1::RECEIPT_STATE_GIVEN);
  EXPECT_EQ(On(19).state, v1::RECEIPT_STATE_GIVEN);
  EXPECT_EQ(On(20).state, v1::RECEIPT_STATE_EXPIRED);
  EXPECT_EQ(On(20).since, Day(20));
}

TEST_F(ReceiptStateTest, InPartAndThenWhole) {
  Deny(5, MakeLine({}, {"ADDRESS"}, {}));
  EXPECT_EQ(On(6).state, v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(On(6).since, Day(5));
  Deny(8, Line(), IdOf(1));
  EXPECT_EQ(On(9).state, v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_EQ(On(9).since, Day(8));
  EXPECT_EQ(On(21).state, v1::RECEIPT_STATE_WITHDRAWN);  // she ended it first
}

TEST_F(ReceiptStateTest, WhatIsNotItsConcern) {
  Agreement other = agreement_;
  other.id = IdOf(9);
  other.lines = {MakeLine({"RIGHTS_OPENING"}, {"IDENTITY"}, {To("siao")})};
  state_.Add(other);
  Deny(5, Line(), IdOf(9));                 // another agreement, about somebody else
  Deny(6, MakeLine({}, {}, {To("siao")}));  // another recipient
  Deny(1, MakeLine({}, {"IDENTITY"}, {}));  // before it
  EXPECT_EQ(On(7).state, v1::RECEIPT_STATE_GIVEN);
}

TEST_F(ReceiptStateTest, AfterItsEndThereIsNothingToWithdraw) {
  Deny(21, Line());
  EXPECT_EQ(On(22).state, v1::RECEIPT_STATE_EXPIRED);
}

// D-2.12: prolonged at her word, it lasts until the new end.
TEST_F(ReceiptStateTest, ARenewalMovesTheEnd) {
  agreement_.renewals.push_back({Day(15), Day(27)});
  EXPECT_EQ(On(21).state, v1::RECEIPT_STATE_GIVEN);
  Deny(22, MakeLine({}, {"ADDRESS"}, {}));
  EXPECT_EQ(On(23).state, v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(On(27).state, v1::RECEIPT_STATE_EXPIRED);
  EXPECT_EQ(On(27).since, Day(27));
}

// D-2.8: it ends with the mandate of who agreed for her.
TEST_F(ReceiptStateTest, AMandateEndsIt) {
  agreement_.mandate_until = Day(10);
  EXPECT_EQ(On(9).state, v1::RECEIPT_STATE_GIVEN);
  EXPECT_EQ(On(10).state, v1::RECEIPT_STATE_EXPIRED);
  EXPECT_EQ(On(10).since, Day(10));
}

// D-2.12: terminated by its collector, or invalidated by an authority: as if never given.
TEST_F(ReceiptStateTest, EndedOtherwiseThanByHer) {
  agreement_.ended = Agreement::Ended{Day(6), false};
  Deny(3, MakeLine({}, {"ADDRESS"}, {}));
  EXPECT_EQ(On(7).state, v1::RECEIPT_STATE_TERMINATED) << "not by what she took back of it";
  EXPECT_EQ(On(21).state, v1::RECEIPT_STATE_TERMINATED);
  EXPECT_EQ(On(21).since, Day(6));
  agreement_.ended->invalidated = true;
  EXPECT_EQ(On(9).state, v1::RECEIPT_STATE_INVALIDATED);
}

}  // namespace
}  // namespace relais::consent
