// RGPD art. 18 in cases that a lawyer can read: while ville-paris's or caf's processing is restricted.
#include <gtest/gtest.h>

#include "services/consent/domain/decision.h"
#include "services/consent/domain/story.h"
#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::At;
using testing::CutQuestion;
using testing::IdOf;
using testing::Noon;
using testing::ReportQuestion;
using testing::RightsLine;
using testing::RightsQuestion;
using testing::SampleRules;
using testing::To;
using testing::With;

absl::Time Day(int day) { return Noon(2026, 11, day); }

Agreement AgreedOn(int day) {
  Agreement agreement;
  agreement.id = IdOf(static_cast<uint8_t>(day));
  agreement.at = agreement.recorded = agreement.valid_from = Day(day);
  agreement.valid_until = Noon(2027, 11, 1);
  agreement.lines = {RightsLine({To("caf")})};
  return agreement;
}

PersonState RestrictedOn(int day, PersonState state = {}, const std::string& institution = "ville-paris") {
  Restriction restriction;
  restriction.id = IdOf(100);
  restriction.institution = institution;
  restriction.from = Day(day);
  state.Add(restriction);
  return state;
}

PersonState Agreed(int day) {
  PersonState state;
  state.Add(AgreedOn(day));
  return state;
}

v1::Reason Ask(const PersonState& state, const Question& question, int day) {
  return Decide(state, question, SampleRules(), At(Day(day))).whole.reason;
}

TEST(RestrictionCases, WhatSheAgreedToBeforeIsStopped) {
  EXPECT_EQ(Ask(Agreed(1), RightsQuestion(), 10), v1::REASON_AGREEMENT);
  EXPECT_EQ(Ask(RestrictedOn(5, Agreed(1)), RightsQuestion(), 10), v1::REASON_RESTRICTED);
}

TEST(RestrictionCases, NotBeforeItsInstant) {
  EXPECT_EQ(Ask(RestrictedOn(5, Agreed(1)), RightsQuestion(), 4), v1::REASON_AGREEMENT);
  EXPECT_EQ(Ask(RestrictedOn(5, Agreed(1)), RightsQuestion(), 5), v1::REASON_RESTRICTED);
}

TEST(RestrictionCases, TheRecipientsRestrictionStopsItToo) {
  EXPECT_EQ(Ask(RestrictedOn(5, Agreed(1), "caf"), RightsQuestion(), 10), v1::REASON_RESTRICTED);
}

TEST(RestrictionCases, AnothersRestrictionDoesNot) {
  EXPECT_EQ(Ask(RestrictedOn(5, Agreed(1), "siao"), RightsQuestion(), 10), v1::REASON_AGREEMENT);
}

// Art. 18.2: with her consent.
TEST(RestrictionCases, WhatSheAgreesToAfterwardsIsNotStopped) {
  PersonState state = RestrictedOn(5, Agreed(1));
  state.Add(AgreedOn(6));
  EXPECT_EQ(Ask(state, RightsQuestion(), 10), v1::REASON_AGREEMENT);
}

// ADR 71: of the one asked about, as of any.
TEST(RestrictionCases, AskedAboutTheOneFromBeforeItIsStopped) {
  PersonState state = RestrictedOn(5, Agreed(1));
  state.Add(AgreedOn(6));
  const auto about = [&](uint8_t number) {
    return Ask(state, With(RightsQuestion(), [&](Question& q) { q.agreement = IdOf(number); }), 10);
  };
  EXPECT_EQ(about(1), v1::REASON_RESTRICTED);
  EXPECT_EQ(about(6), v1::REASON_AGREEMENT);
  EXPECT_EQ(about(99), v1::REASON_RESTRICTED);
}

TEST(RestrictionCases, TheOptOutRegimeIsStopped) {
  const Question cut = CutQuestion(absl::CivilDay(2026, 11, 1));
  EXPECT_EQ(Ask({}, cut, 12), v1::REASON_OPT_OUT_REGIME);
  EXPECT_EQ(Ask(RestrictedOn(5, {}, "edf"), cut, 12), v1::REASON_RESTRICTED);
  EXPECT_EQ(Ask(RestrictedOn(5, {}, "ville-paris"), cut, 12), v1::REASON_RESTRICTED);
}

// Art. 18.2: important public interest; D-2.6.1.
TEST(RestrictionCases, ALegalDutyIsNotStopped) {
  const Question report = ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris", "dsol-75113");
  ASSERT_EQ(Ask({}, report, 10), v1::REASON_LEGAL_DUTY);
  EXPECT_EQ(Ask(RestrictedOn(5), report, 10), v1::REASON_LEGAL_DUTY);
}

// Art. 18.2: protection of a person; D-2.6.6.
TEST(RestrictionCases, AVitalEmergencyIsNotStopped) {
  PersonState state = RestrictedOn(5, Agreed(1));
  state.Add(Emergency{IdOf(7), "caf", "", {"IDENTITY"}, Day(9), Day(12)});
  EXPECT_EQ(Ask(state, RightsQuestion(), 10), v1::REASON_EMERGENCY);
  EXPECT_EQ(Ask(state, RightsQuestion(), 13), v1::REASON_RESTRICTED);
}

// The Ville's social worker and her référent at Emmaüs, of one team, and she was told.
Question InTheTeam() {
  return With(RightsQuestion(), [](Question& q) {
    q.sender_function = "assistant-social";
    q.recipient = "emmaus";
    q.recipient_function = "educateur";
  });
}

PersonState ToldBefore() {
  PersonState state;
  state.Add(Information{IdOf(50), Day(1), "ville-paris", "assistant-social", {RightsLine({To("emmaus")})}});
  return state;
}

v1::Reason AskTeam(const PersonState& state, int day) {
  const Teams teams{true,
                    {Mission{IdOf(200), "emmaus", "educateur", Day(1), std::nullopt},
                     Mission{IdOf(200), "ville-paris", "assistant-social", Day(1), std::nullopt}}};
  return Decide(state, InTheTeam(), SampleRules(), At(Day(day)), teams).whole.reason;
}

TEST(RestrictionCases, ATeamsPermissionIsStopped) {
  EXPECT_EQ(AskTeam(ToldBefore(), 10), v1::REASON_TEAM);
  EXPECT_EQ(AskTeam(RestrictedOn(5, ToldBefore()), 10), v1::REASON_RESTRICTED);
}

// What is stopped of a team does not stop what art. 18.2 leaves.
TEST(RestrictionCases, WithinATeamWhatSheAgreesToAfterwardsIsNotStopped) {
  PersonState state = RestrictedOn(5, ToldBefore());
  Agreement agreement = AgreedOn(6);
  agreement.lines = {RightsLine({To("emmaus")})};
  state.Add(std::move(agreement));
  EXPECT_EQ(AskTeam(state, 10), v1::REASON_AGREEMENT);
}

TEST(RestrictionCases, WithinATeamAVitalEmergencyIsNotStopped) {
  PersonState state = RestrictedOn(5, ToldBefore());
  state.Add(Emergency{IdOf(7), "emmaus", "", {"IDENTITY"}, Day(9), Day(12)});
  EXPECT_EQ(AskTeam(state, 10), v1::REASON_EMERGENCY);
  EXPECT_EQ(AskTeam(state, 13), v1::REASON_RESTRICTED);
}

TEST(RestrictionCases, HerRefusalIsStillHerRefusal) {
  PersonState state = RestrictedOn(5, Agreed(1));
  state.Add(Denial{IdOf(8), Denial::Kind::kRefusal, Day(6), std::nullopt, {RightsLine({To("caf")})}});
  EXPECT_EQ(Ask(state, RightsQuestion(), 10), v1::REASON_REFUSED);
}

TEST(RestrictionCases, OnceItEndsItIsAsBefore) {
  PersonState state = RestrictedOn(5, Agreed(1));
  EXPECT_EQ(state.EndRestriction("ville-paris", Day(8)), IdOf(100));
  EXPECT_EQ(state.EndRestriction("ville-paris", Day(9)), std::nullopt);
  EXPECT_EQ(Ask(state, RightsQuestion(), 7), v1::REASON_RESTRICTED);
  EXPECT_EQ(Ask(state, RightsQuestion(), 8), v1::REASON_AGREEMENT);
}

TEST(RestrictionCases, EachCategoryForItself) {
  PersonState state = RestrictedOn(5, Agreed(1));
  state.Add(AgreedOn(6));
  const Question both = With(RightsQuestion(), [](Question& q) { q.categories = {"IDENTITY", "ADDRESS"}; });
  const Answer answer = Decide(state, both, SampleRules(), At(Day(10)));
  EXPECT_EQ(answer.categories[0].reason, v1::REASON_AGREEMENT);
  EXPECT_EQ(answer.categories[1].reason, v1::REASON_RESTRICTED);
  EXPECT_FALSE(answer.whole.permitted());
}

}  // namespace
}  // namespace relais::consent
