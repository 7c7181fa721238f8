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

// What a consent holds of its history: each change, when it took effect.
TEST(ConsentState, TellsWhatBecameOfIt) {
  const auto history = [](const Story& story, int day) {
    return HistoryOf(story.state(), *story.state().FindAgreement(IdOf(1)), testing::SampleRules(),
                     Noon(2026, 11, day))
        .changes;
  };
  using Changes = std::vector<ConsentChange>;
  const auto day = [](int number) { return Noon(2026, 11, number); };
  const ConsentChange given{day(1), v1::CONSENT_STATE_GIVEN};
  const auto agreed = [] {
    return Story().ExpiresOn(1, {RightsLine({To("caf")}), RightsLine({To("siao")})}, 20);
  };
  EXPECT_EQ(history(agreed(), 10), (Changes{given}));
  EXPECT_EQ(history(agreed(), 20), (Changes{given, {day(20), v1::CONSENT_STATE_EXPIRED}}));
  const Story renewed = agreed().Renews(5, 1, 28).Withdraws(7, {RightsLine({To("siao")})});
  EXPECT_EQ(
      history(renewed, 9),
      (Changes{given, {day(5), v1::CONSENT_STATE_RENEWED}, {day(7), v1::CONSENT_STATE_PARTLY_WITHDRAWN}}));
  const Story withdrawn =
      agreed().Withdraws(7, {RightsLine({To("siao")})}).WithdrawsAgreement(8, 1).Refuses(9, {Line()});
  EXPECT_EQ(
      history(withdrawn, 25),
      (Changes{given, {day(7), v1::CONSENT_STATE_PARTLY_WITHDRAWN}, {day(8), v1::CONSENT_STATE_WITHDRAWN}}));
  EXPECT_EQ(history(agreed().CollectorEnds(9, 1), 25),
            (Changes{given, {day(9), v1::CONSENT_STATE_TERMINATED}}));
  EXPECT_EQ(history(agreed().JudgeInvalidates(22, 1), 25),
            (Changes{given, {day(20), v1::CONSENT_STATE_EXPIRED}, {day(22), v1::CONSENT_STATE_INVALIDATED}}));
}

// After its end there is nothing to take back.
TEST(ConsentState, ANoAfterItsEndTakesNothing) {
  const Story story = Story().ExpiresOn(1, {RightsLine({To("caf")})}, 5).Refuses(7, {Line()});
  EXPECT_EQ(At(story), v1::CONSENT_STATE_EXPIRED);
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
