#include "services/consent/domain/retention.h"

#include <gtest/gtest.h>

#include "services/consent/domain/her_acts.h"
#include "services/consent/domain/story.h"

namespace relais::consent {
namespace {

absl::Time At(int year, int month, int day) {
  return absl::FromCivil(absl::CivilDay(year, month, day), absl::UTCTimeZone());
}

TEST(Retention, APersonIsErasedTwoYearsAfterTheLastContact) {  // D-2.10
  const RetentionRules rules;
  EXPECT_FALSE(PersonDue(At(2024, 11, 3), At(2026, 11, 2), rules));
  EXPECT_TRUE(PersonDue(At(2024, 11, 3), At(2026, 11, 3), rules));
  EXPECT_FALSE(PersonDue(At(2024, 11, 3), At(2026, 11, 3), {.person_months = 36}));
}

TEST(Retention, ADayThatTheLaterMonthDoesNotHaveIsNeverTooEarly) {
  const RetentionRules three{.person_months = 3};
  EXPECT_FALSE(PersonDue(At(2026, 11, 30), At(2027, 2, 28), three));
  EXPECT_TRUE(PersonDue(At(2026, 11, 30), At(2027, 3, 2), three));
}

TEST(Retention, AnObjectionsDigestIsKeptAsLongAsItSays) {  // D-1.6
  EXPECT_FALSE(ObjectionDigestDue(At(2029, 11, 3), At(2029, 11, 2)));
  EXPECT_TRUE(ObjectionDigestDue(At(2029, 11, 3), At(2029, 11, 3)));
  EXPECT_FALSE(ObjectionDigestDue(absl::UnixEpoch(), At(2029, 11, 3))) << "nothing is kept any more";
}

// ---- agreements (D-2.10)

using testing::IdOf;
using testing::Noon;
using testing::Story;

Recipient Institution(std::string id) { return {std::move(id), ""}; }

struct Told {
  PersonState state;
  Rules rules = testing::SampleRules();

  [[nodiscard]] const Agreement& Of(uint8_t id) const { return *state.FindAgreement(IdOf(id)); }
  [[nodiscard]] absl::Time End(uint8_t id) const { return EndOfAgreement(state, Of(id), rules); }
  [[nodiscard]] bool Decides(uint8_t id) const { return StillDecides(state, Of(id), rules); }
};

const std::vector<Line>& Lines() {
  static const auto* const lines = new std::vector<Line>{testing::RightsLine({Institution("caf")})};
  return *lines;
}

TEST(Retention, AnAgreementEndsWithItsPeriodOrWhenAllOfItIsTakenBack) {
  const Told expires{Story().ExpiresOn(3, Lines(), 20).state()};
  EXPECT_EQ(expires.End(1), Noon(2026, 11, 20));
  const Told withdrawn{
      Story().ExpiresOn(3, Lines(), 20).WithdrawsAgreement(5, 1).Refuses(9, Lines()).state()};
  EXPECT_EQ(withdrawn.End(1), Noon(2026, 11, 5)) << "the first of the two ended it";
  const Told other{
      Story().ExpiresOn(3, Lines(), 20).Refuses(5, {testing::RightsLine({Institution("cpam")})}).state()};
  EXPECT_EQ(other.End(1), Noon(2026, 11, 20));
}

// ADR 24, point 8: it was counted from the first period.
TEST(Retention, ARenewedAgreementEndsWithItsLastPeriodAndAnEndedOneWhenItWasEnded) {
  const Told renewed{Story().ExpiresOn(3, Lines(), 10).Renews(8, 1, 25).state()};
  EXPECT_EQ(renewed.End(1), Noon(2026, 11, 25));
  const Told mandate{Story().RepresentativeAgrees(3, Lines(), 12).state()};
  EXPECT_EQ(mandate.End(1), Noon(2026, 11, 12));
  const Told ended{Story().Refuses(2, Lines()).ExpiresOn(3, Lines(), 20).CollectorEnds(7, 2).state()};
  EXPECT_EQ(ended.End(2), Noon(2026, 11, 7)) << "not when she last said no";
  const Told both{Story().ExpiresOn(3, Lines(), 20).WithdrawsAgreement(5, 1).CollectorEnds(7, 1).state()};
  EXPECT_EQ(both.End(1), Noon(2026, 11, 5));
}

TEST(Retention, ItsProofGoesFiveYearsLater) {
  EXPECT_FALSE(AgreementProofDue(At(2026, 11, 20), At(2031, 11, 19), RetentionRules()));
  EXPECT_TRUE(AgreementProofDue(At(2026, 11, 20), At(2031, 11, 20), RetentionRules()));
  EXPECT_TRUE(AgreementProofDue(At(2026, 11, 20), At(2027, 11, 20), {.agreement_months = 12}));
  EXPECT_EQ(AgreementsDueBefore(At(2031, 11, 20), RetentionRules()), At(2026, 11, 20));
}

TEST(Retention, WhatSupersededADenialStillDecides) {  // D-2.6.2
  EXPECT_FALSE((Told{Story().Agrees(3, Lines()).state()}.Decides(1)));
  EXPECT_FALSE((Told{Story().Agrees(3, Lines()).Refuses(5, Lines()).state()}.Decides(1)))
      << "the refusal came later: it stands with or without it";
  EXPECT_TRUE((Told{Story().Refuses(2, Lines()).Agrees(3, Lines()).state()}.Decides(2)))
      << "without it the refusal would stand again";
  EXPECT_FALSE(
      (Told{Story().Refuses(2, {testing::RightsLine({Institution("cpam")})}).Agrees(3, Lines()).state()}
           .Decides(2)));
  EXPECT_TRUE((Told{Story().Agrees(3, Lines()).WithdrawsAgreement(5, 1).state()}.Decides(1)))
      << "the withdrawal is as broad as what it names";
}

// What is forgotten changes no answer but the reason of one that was a denial anyway.
TEST(Retention, ForgettingWhatNoLongerDecidesChangesNoDecision) {
  const Told told{Story()
                      .Refuses(1, {testing::RightsLine({Institution("caf")})})
                      .ExpiresOn(2, Lines(), 4)
                      .ExpiresOn(3, {testing::RightsLine({Institution("cpam")})}, 5)
                      .ExpiresOn(6, {testing::RightsLine({Institution("emmaus")})}, 8)
                      .Refuses(7, {testing::RightsLine({Institution("emmaus")})})
                      .state()};
  PersonStateBuilder kept;
  size_t forgotten = 0;
  for (const Agreement& agreement : told.state.agreements()) {
    if (StillDecides(told.state, agreement, told.rules)) {
      kept.Put(agreement);
    } else {
      ++forgotten;
    }
  }
  for (const Denial& denial : told.state.denials()) {
    kept.Put(denial);
  }
  EXPECT_EQ(forgotten, 2u);
  const PersonState left = std::move(kept).Build(told.state.latest());
  for (const char* recipient : {"caf", "cpam", "emmaus", "ville-paris"}) {
    Question question = testing::RightsQuestion();
    question.recipient = recipient;
    const HerWord before = ReadHerActs(told.state, question, "IDENTITY", told.rules, At(2032, 1, 1));
    const HerWord after = ReadHerActs(left, question, "IDENTITY", told.rules, At(2032, 1, 1));
    EXPECT_EQ(before.denied, after.denied) << recipient;
    EXPECT_EQ(before.agreement == nullptr, after.agreement == nullptr) << recipient;
  }
}

}  // namespace
}  // namespace relais::consent
