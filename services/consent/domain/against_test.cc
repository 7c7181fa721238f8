#include "services/consent/domain/against.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "services/consent/domain/consent_state.h"
#include "services/consent/domain/links.h"
#include "services/consent/domain/receipt_state.h"
#include "services/consent/domain/story.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::Kind;
using testing::Noon;
using testing::RightsLine;
using testing::RightsQuestion;
using testing::Story;
using testing::To;

const Id128 kB = IdOf(102);
constexpr int kLinked = 10;

absl::Time Day(int day) { return Noon(2026, 11, day); }

const Rules& Sample() {
  static const Rules rules = testing::SampleRules();
  return rules;
}
const Line& ToCaf() {
  static const Line line = RightsLine({To("caf")});
  return line;
}

// A and B, one human since noon of the 10th.
PersonState Together(const Story& a, const Story& b) {
  PersonState canonical = a.state();
  canonical.Add(Link{IdOf(103), kB, Day(kLinked), v1::LINK_CAUSE_MERGED, std::nullopt});
  return Unite(canonical, {{kB, b.state()}});
}

// The last agreement of that name; zero: A's.
const Agreement& LastOf(const PersonState& united, const Id128& name) {
  const Agreement* last = nullptr;
  for (const Agreement& agreement : united.agreements()) {
    last = agreement.origin.of == name ? &agreement : last;
  }
  return *last;
}

v1::ConsentState State(const PersonState& united, const Agreement& agreement, int day = 11) {
  return StateOf(united, agreement, Sample(), Day(day));
}
StateOfReceipt OnReceipt(const PersonState& united, const Agreement& agreement, int day = 11) {
  return ReceiptStateOf(united, agreement, Sample(), Day(day));
}
bool Permits(const PersonState& united, int day = 11) {
  return Decide(united, RightsQuestion(), Sample(), testing::At(Day(day))).whole.permitted();
}

// ADR 40, 50: what no check permits by is not shown as given, and changes when they became one.
TEST(Against, ANoOfAnotherNameFromBeforeTheAgreement) {
  for (const bool a_agrees : {true, false}) {
    const Story no = Story().Refuses(2, {ToCaf()});
    const Story yes = Story().Agrees(3, {ToCaf()});
    const PersonState united = a_agrees ? Together(yes, no) : Together(no, yes);
    const Agreement& agreement = LastOf(united, a_agrees ? Id128() : kB);
    ASSERT_FALSE(Permits(united));
    EXPECT_EQ(State(united, agreement), v1::CONSENT_STATE_WITHDRAWN);
    EXPECT_FALSE(IsRenewable(State(united, agreement))) << "she is asked again";
    EXPECT_EQ(OnReceipt(united, agreement).state, v1::RECEIPT_STATE_WITHDRAWN);
    EXPECT_EQ(OnReceipt(united, agreement).since, Day(kLinked));
    EXPECT_EQ(OnReceipt(united, agreement, 9).state, v1::RECEIPT_STATE_GIVEN);
  }
}

// Read on the 9th it was in force: on the 11th it does not say that it had ended on the 3rd.
TEST(Against, ANoOfAnotherNameFromAfterItCountsFromTheLink) {
  const PersonState united = Together(Story().Agrees(2, {ToCaf()}), Story().Refuses(3, {ToCaf()}));
  const Agreement& agreement = LastOf(united, {});
  EXPECT_EQ(State(united, agreement), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(united, agreement).since, Day(kLinked));
  EXPECT_EQ(OnReceipt(united, agreement, 9).state, v1::RECEIPT_STATE_GIVEN);
}

TEST(Against, APartOfItIsAPart) {
  const Story yes = Story().Agrees(3, {ToCaf(), RightsLine({To("siao")})});
  const PersonState united = Together(yes, Story().Refuses(2, {ToCaf()}));
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(OnReceipt(united, LastOf(united, {})).state, v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(OnReceipt(united, LastOf(united, {})).since, Day(kLinked));
  const PersonState other = Together(yes, Story().Refuses(2, {RightsLine({To("aphp")})}));
  EXPECT_EQ(State(other, LastOf(other, {})), v1::CONSENT_STATE_GIVEN) << "about somebody else";
}

TEST(Against, AYesRecordedSinceTheyAreOneAnswersIt) {
  PersonState united = Together(Story().Agrees(3, {ToCaf()}), Story().Refuses(2, {ToCaf()}));
  Agreement again = LastOf(united, {});
  again.id = IdOf(60);
  again.at = again.recorded = again.valid_from = Day(12);
  united.Add(again);
  ASSERT_TRUE(Permits(united, 13));
  EXPECT_EQ(State(united, *united.FindAgreement(IdOf(60)), 13), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(State(united, united.agreements().front(), 13), v1::CONSENT_STATE_WITHDRAWN)
      << "one that never began does not come back";
}

TEST(Against, WhatWasAnsweredUnderItsOwnNameStandsNoMore) {
  const Story answered = Story().Refuses(2, {ToCaf()}).Agrees(4, {ToCaf()});
  PersonState united = Together(Story().Agrees(5, {ToCaf()}), answered);
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(State(united, LastOf(united, kB)), v1::CONSENT_STATE_GIVEN);
  // Given before the answer it could not answer itself.
  united = Together(Story().Agrees(3, {ToCaf()}), answered);
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(State(united, LastOf(united, kB)), v1::CONSENT_STATE_GIVEN);
}

// D-2.6.2: broad against narrow the refusal wins; a representative's yes does not answer her no.
TEST(Against, AnswersAreAsNarrowAndAsMuchHersAsTheNo) {
  const Line benefits = RightsLine({Kind("BENEFITS")});
  const Story broad = Story().Refuses(2, {ToCaf()}).Agrees(4, {benefits});
  PersonState united = Together(Story().Agrees(5, {benefits}), broad);
  ASSERT_FALSE(Permits(united));
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  united = Together(Story().Agrees(5, {benefits}), Story().Refuses(2, {benefits}).Agrees(4, {benefits}));
  ASSERT_TRUE(Permits(united));
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_GIVEN);
  united = Together(Story().Agrees(5, {ToCaf()}),
                    Story().Refuses(2, {ToCaf()}).RepresentativeAgrees(4, {ToCaf()}));
  ASSERT_FALSE(Permits(united));
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_WITHDRAWN);
}

// A withdrawal of the one's agreement is a no to what it covered, of the other too.
TEST(Against, AWithdrawalOfTheOthersAgreement) {
  // The first act has the number 1: the refusal keeps the two agreements' numbers apart.
  const auto a = [](int day) {
    return Story().Refuses(1, {RightsLine({To("siao")})}).Agrees(day, {ToCaf()});
  };
  const Story withdrawn = Story().Agrees(2, {ToCaf()}).WithdrawsAgreement(4, 1);
  for (const int day : {3, 5}) {
    const PersonState united = Together(a(day), withdrawn);
    ASSERT_FALSE(Permits(united)) << day;
    EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_WITHDRAWN) << day;
  }
  const PersonState anew =
      Together(a(7), Story().Agrees(2, {ToCaf()}).WithdrawsAgreement(4, 1).Agrees(6, {ToCaf()}));
  ASSERT_TRUE(Permits(anew));
  EXPECT_EQ(State(anew, LastOf(anew, {})), v1::CONSENT_STATE_GIVEN);
  const Story of_siao = Story().Agrees(2, {RightsLine({To("siao")})}).WithdrawsAgreement(4, 1);
  const PersonState other = Together(a(3), of_siao);
  EXPECT_EQ(State(other, LastOf(other, {})), v1::CONSENT_STATE_GIVEN) << "it reaches no farther";
}

TEST(Against, WhatHadEndedBeforeTheLinkHadEnded) {
  const PersonState united = Together(Story().ExpiresOn(2, {ToCaf()}, 8), Story().Refuses(1, {ToCaf()}));
  EXPECT_EQ(State(united, LastOf(united, {})), v1::CONSENT_STATE_EXPIRED);
  EXPECT_EQ(OnReceipt(united, LastOf(united, {})).state, v1::RECEIPT_STATE_EXPIRED);
  EXPECT_EQ(OnReceipt(united, LastOf(united, {})).since, Day(8));
}

// Between the two commits of a link the name that is frozen reads both, and A does not list her yet.
TEST(Against, BetweenTwoCommitsNobodyIsOneYet) {
  const PersonState united =
      Unite(Story().Refuses(2, {ToCaf()}).state(), {{kB, Story().Agrees(3, {ToCaf()}).state()}});
  ASSERT_FALSE(Permits(united));
  EXPECT_EQ(State(united, LastOf(united, kB)), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(united, LastOf(united, kB)).since, Day(11)) << "now";
}

// Every history of five days of a yes or no under either name to one line: something is shown as given
// exactly when a check permits it.
TEST(Against, ShownAsGivenExactlyWhenACheckPermits) {
  constexpr int kDays = 5;
  int histories = 0;
  for (int code = 0; code < 5 * 5 * 5 * 5 * 5; ++code) {
    Story a;
    Story b;
    int left = code;
    for (int day = 1; day <= kDays; ++day, left /= 5) {
      Story& who = left % 5 < 3 ? a : b;
      if (left % 5 == 1 || left % 5 == 3) {
        who.Agrees(day, {ToCaf()});
      } else if (left % 5 != 0) {
        who.Refuses(day, {ToCaf()});
      }
    }
    const PersonState united = Together(a, b);
    const auto shown =
        std::any_of(united.agreements().begin(), united.agreements().end(),
                    [&](const Agreement& each) { return State(united, each) == v1::CONSENT_STATE_GIVEN; });
    ASSERT_EQ(shown, Permits(united)) << "history " << code;
    ++histories;
  }
  EXPECT_EQ(histories, 3125);
}

}  // namespace
}  // namespace relais::consent
