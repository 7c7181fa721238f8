#include "services/consent/domain/consent_state.h"

#include <gtest/gtest.h>

#include "services/consent/domain/story.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::MakeLine;
using testing::Noon;
using testing::RightsLine;
using testing::Story;
using testing::To;

v1::ConsentState At(const Story& story, int day = 10, uint8_t number = 1) {
  return StateOf(story.state(), *story.state().FindAgreement(IdOf(number)), testing::SampleRules(),
                 Noon(2026, 11, day));
}

// D-2.12: given and renewed let something happen; the others do not, a part apart.
TEST(ConsentState, SaysWhatBecameOfIt) {
  const auto agreed = [] {
    return Story().ExpiresOn(1, {RightsLine({To("caf")}), RightsLine({To("siao")})}, 20);
  };
  EXPECT_EQ(At(agreed()), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(At(agreed(), 20), v1::CONSENT_STATE_EXPIRED);
  EXPECT_EQ(At(agreed().Renews(5, 1, 28), 20), v1::CONSENT_STATE_RENEWED);
  EXPECT_EQ(At(agreed().Withdraws(5, {RightsLine({To("siao")})})), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(At(agreed().WithdrawsAgreement(5, 1)), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(At(agreed().Refuses(5, {Line()})), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(At(agreed().Withdraws(5, {MakeLine({}, {"HEALTH"}, {}, {})})), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(At(agreed().CollectorEnds(9, 1)), v1::CONSENT_STATE_TERMINATED);
  EXPECT_EQ(At(agreed().JudgeInvalidates(9, 1)), v1::CONSENT_STATE_INVALIDATED);
  EXPECT_EQ(At(Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}, 9)), v1::CONSENT_STATE_EXPIRED);
}

TEST(ConsentState, WhatIsLeftMayBeRenewed) {
  EXPECT_TRUE(IsRenewable(v1::CONSENT_STATE_GIVEN));
  EXPECT_TRUE(IsRenewable(v1::CONSENT_STATE_RENEWED));
  EXPECT_TRUE(IsRenewable(v1::CONSENT_STATE_PARTLY_WITHDRAWN));
  for (const v1::ConsentState state : {v1::CONSENT_STATE_WITHDRAWN, v1::CONSENT_STATE_EXPIRED,
                                       v1::CONSENT_STATE_TERMINATED, v1::CONSENT_STATE_INVALIDATED}) {
    EXPECT_FALSE(IsRenewable(state)) << v1::ConsentState_Name(state);
  }
}

}  // namespace
}  // namespace relais::consent
