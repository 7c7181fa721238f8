#include "services/consent/domain/against.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/consent/domain/consent_state.h"
#include "services/consent/domain/her_acts.h"
#include "services/consent/domain/links.h"
#include "services/consent/domain/receipt_state.h"
#include "services/consent/domain/story.h"

namespace relais::consent {
namespace {

using testing::IdOf;
using testing::Kind;
using testing::MakeLine;
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

std::vector<Id128> TouchedOn(int day, const PersonState& state, std::optional<Id128> number,
                             std::vector<Line> lines) {
  Denial denial;
  denial.id = IdOf(61);
  denial.kind = Denial::Kind::kWithdrawal;
  denial.at = Day(day);
  denial.agreement = number;
  denial.lines = std::move(lines);
  return AgreementsTouched(state, denial, testing::SampleRules(), Day(day));
}

// What a withdrawal touches is what is denied from then on: of the one she names and of others on its lines.
TEST(AgreementsTouched, ByNumberAreThoseOnItsLinesToo) {
  const PersonState state = Story()
                                .Agrees(1, {ToCaf()})
                                .Agrees(2, {ToCaf(), RightsLine({To("siao")})})
                                .Agrees(3, {RightsLine({To("aphp")})})
                                .ExpiresOn(3, {ToCaf()}, 5)
                                .state();
  EXPECT_EQ(TouchedOn(6, state, IdOf(1), {Line()}), (std::vector{IdOf(1), IdOf(2)}));
  EXPECT_EQ(TouchedOn(6, state, IdOf(3), {Line()}), std::vector{IdOf(3)});
  EXPECT_EQ(TouchedOn(6, state, IdOf(2), {RightsLine({To("siao")})}), std::vector{IdOf(2)})
      << "no more of it than her lines";
  EXPECT_EQ(TouchedOn(4, state, std::nullopt, {ToCaf()}), (std::vector{IdOf(1), IdOf(2), IdOf(4)}));
  EXPECT_EQ(TouchedOn(6, state, std::nullopt, {ToCaf()}), (std::vector{IdOf(1), IdOf(2)}));
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

const Line& ToBenefits() {
  static const Line line = RightsLine({Kind("BENEFITS")});
  return line;
}

// ADR 50, one name: what no check permits by because of another act of hers is not shown as given.
TEST(Against, ASecondAgreementOnTheLinesOfOneThatSheWithdrew) {
  const PersonState state =
      Story().Agrees(1, {ToCaf()}).Agrees(2, {ToCaf()}).WithdrawsAgreement(3, 1).state();
  ASSERT_FALSE(Permits(state));
  const Agreement& second = *state.FindAgreement(IdOf(2));
  EXPECT_EQ(State(state, second), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_FALSE(IsRenewable(State(state, second))) << "she is asked again";
  EXPECT_EQ(OnReceipt(state, second).state, v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(state, second).since, Day(3));
  EXPECT_FALSE(OnReceipt(state, second).refused_before);
  EXPECT_EQ(OnReceipt(state, second, 2).state, v1::RECEIPT_STATE_GIVEN);
  // No farther than what she took back.
  const PersonState wider = Story()
                                .Agrees(1, {ToCaf()})
                                .Agrees(2, {RightsLine({To("caf"), To("siao")})})
                                .WithdrawsAgreement(3, 1)
                                .state();
  EXPECT_EQ(State(wider, *wider.FindAgreement(IdOf(2))), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  const PersonState elsewhere =
      Story().Agrees(1, {RightsLine({To("siao")})}).Agrees(2, {ToCaf()}).WithdrawsAgreement(3, 1).state();
  EXPECT_EQ(State(elsewhere, *elsewhere.FindAgreement(IdOf(2))), v1::CONSENT_STATE_GIVEN);
}

TEST(Against, ARepresentativesAgreementAgainstHerNo) {
  Story story = Story().Refuses(1, {ToCaf()}).RepresentativeAgrees(2, {ToCaf()});
  const auto states = [&](uint8_t number) {
    return State(story.state(), *story.state().FindAgreement(IdOf(number)));
  };
  ASSERT_FALSE(Permits(story.state()));
  EXPECT_EQ(states(2), v1::CONSENT_STATE_WITHDRAWN);
  const StateOfReceipt receipt = OnReceipt(story.state(), *story.state().FindAgreement(IdOf(2)));
  EXPECT_EQ(receipt.state, v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_EQ(receipt.since, Day(2)) << "it never began";
  EXPECT_TRUE(receipt.refused_before);
  // She answers herself: it does not come back, and a later one of the representative stands.
  story.Agrees(3, {ToCaf()}).RepresentativeAgrees(4, {ToCaf()});
  ASSERT_TRUE(Permits(story.state()));
  EXPECT_EQ(states(2), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(states(3), v1::CONSENT_STATE_GIVEN);
  EXPECT_EQ(states(4), v1::CONSENT_STATE_GIVEN);
}

TEST(Against, ABroadAgreementAgainstHerNarrowNo) {
  Story story = Story().Refuses(1, {ToCaf()}).Agrees(2, {ToBenefits()});
  ASSERT_FALSE(Permits(story.state()));
  const auto receipt = [&](uint8_t number) {
    return OnReceipt(story.state(), *story.state().FindAgreement(IdOf(number)));
  };
  EXPECT_EQ(receipt(2).state, v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_TRUE(receipt(2).refused_before);
  EXPECT_EQ(receipt(2).since, Day(2));
  // Answered as narrowly, a later broad one stands; hers names the one she had refused.
  story.Agrees(3, {ToCaf()}).Agrees(4, {ToBenefits()});
  EXPECT_EQ(receipt(4).state, v1::RECEIPT_STATE_GIVEN);
  const PersonState naming =
      Story().Refuses(1, {ToCaf()}).Agrees(2, {RightsLine({Kind("BENEFITS"), To("caf")})}).state();
  ASSERT_TRUE(Permits(naming));
  EXPECT_EQ(State(naming, *naming.FindAgreement(IdOf(2))), v1::CONSENT_STATE_GIVEN);
  // What she took back since is what the page tells.
  story.Withdraws(5, {MakeLine({}, {}, {To("caf")}, {})});
  EXPECT_EQ(receipt(2).state, v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_FALSE(receipt(2).refused_before);
  EXPECT_EQ(receipt(2).since, Day(5));
}

// What answered a part of a no leaves a part.
TEST(Against, ANoThatIsAnsweredInPart) {
  const Line both = MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf")});
  const PersonState state =
      Story().Refuses(1, {Line()}).Agrees(2, {ToCaf()}).RepresentativeAgrees(3, {both}).state();
  ASSERT_TRUE(Permits(state));
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(3))), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
}

TEST(Against, WhoseWordItWas) {
  const PersonState state = Story().Agrees(1, {ToCaf()}).RepresentativeRefuses(2, {ToCaf()}).state();
  EXPECT_TRUE(OnReceipt(state, state.agreements().front()).by_representative);
  const PersonState hers = Story().Agrees(1, {ToCaf()}).Refuses(2, {ToCaf()}).state();
  EXPECT_FALSE(OnReceipt(hers, hers.agreements().front()).by_representative);
}

// D-4.4a: the withdrawal of what was agreed to for one report takes no more than that report from another.
TEST(Against, AWithdrawalOfWhatIsLimitedToAReport) {
  const PersonState state =
      Story().Agrees(1, {ToCaf()}, false, "BSPP-1").Agrees(2, {ToCaf()}).WithdrawsAgreement(3, 1).state();
  ASSERT_TRUE(Permits(state));
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(2))), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(1))), v1::CONSENT_STATE_WITHDRAWN);
}

// D-2.6.2: her own words are no broader because they name the agreement: it was read as taken back by its
// kind, and shown as given anew.
TEST(Against, ANarrowWithdrawalOfABroadAgreement) {
  Story story = Story()
                    .Agrees(1, {ToBenefits()})
                    .WithdrawsOf(2, 1, {MakeLine({}, {}, {To("caf")}, {})})
                    .Agrees(3, {ToBenefits()});
  const auto state = [&](uint8_t number) {
    return State(story.state(), *story.state().FindAgreement(IdOf(number)));
  };
  ASSERT_FALSE(Permits(story.state()));
  EXPECT_EQ(state(1), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(state(3), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  story.Agrees(4, {ToCaf()}).Agrees(5, {ToBenefits()});
  ASSERT_TRUE(Permits(story.state()));
  EXPECT_EQ(state(5), v1::CONSENT_STATE_GIVEN);
}

// Every history of five days of one name, broad and narrow, hers and a representative's, by lines and by
// agreement: something is shown as given exactly when a check permits it.
TEST(Against, ShownAsGivenExactlyWhenACheckPermitsUnderOneName) {
  constexpr int kDays = 5;
  constexpr int kActs = 9;
  int histories = 0;
  int permitted = 0;
  for (int code = 0; code < kActs * kActs * kActs * kActs * kActs; ++code, ++histories) {
    Story story;
    int acts = 0;
    int first_agreement = 0;
    int left = code;
    for (int day = 1; day <= kDays; ++day, left /= kActs) {
      const int act = left % kActs;
      const bool agrees = act >= 1 && act <= 3;
      if (act == 0 || (act >= 7 && first_agreement == 0)) {
        continue;
      }
      ++acts;
      first_agreement = agrees && first_agreement == 0 ? acts : first_agreement;
      switch (act) {
        case 1:
          story.Agrees(day, {ToCaf()});
          break;
        case 2:
          story.Agrees(day, {ToBenefits()});
          break;
        case 3:
          story.RepresentativeAgrees(day, {ToCaf()});
          break;
        case 4:
          story.Refuses(day, {ToCaf()});
          break;
        case 5:
          story.Refuses(day, {ToBenefits()});
          break;
        case 6:
          story.RepresentativeRefuses(day, {ToCaf()});
          break;
        case 7:
          story.WithdrawsAgreement(day, first_agreement);
          break;
        default:
          story.WithdrawsOf(day, first_agreement, {MakeLine({}, {}, {To("caf")}, {})});
      }
    }
    const PersonState& state = story.state();
    const auto shown =
        std::any_of(state.agreements().begin(), state.agreements().end(),
                    [&](const Agreement& each) { return State(state, each) == v1::CONSENT_STATE_GIVEN; });
    ASSERT_EQ(shown, Permits(state)) << "history " << code;
    permitted += shown ? 1 : 0;
  }
  EXPECT_EQ(histories, 59049);
  EXPECT_GT(permitted, 1000);
}

// What she says no to in one act.
Line Of(std::vector<std::string> categories, std::vector<Recipient> recipients = {}) {
  return MakeLine({}, std::move(categories), std::move(recipients), {});
}
const Line& BothToBoth() {
  static const Line line = MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf"), To("siao")});
  return line;
}
v1::ConsentState First(const Story& story, int day = 11) {
  return State(story.state(), *story.state().FindAgreement(IdOf(1)), day);
}

// When the rest goes nothing is left, whatever act took it; since the last of them.
TEST(Against, TheRestIsTakenInAnotherAct) {
  const auto agreed = [] { return Story().Agrees(1, {BothToBoth()}); };
  const Story by_category = agreed().Withdraws(5, {Of({"IDENTITY"})}).Withdraws(7, {Of({"ADDRESS"})});
  EXPECT_EQ(First(by_category, 6), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(First(by_category), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_FALSE(IsRenewable(First(by_category)));
  const PersonState& state = by_category.state();
  EXPECT_EQ(OnReceipt(state, state.agreements().front(), 6).state, v1::RECEIPT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(OnReceipt(state, state.agreements().front()).state, v1::RECEIPT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(state, state.agreements().front()).since, Day(7));
  const std::vector<ConsentChange> changes = {{Day(1), v1::CONSENT_STATE_GIVEN},
                                              {Day(5), v1::CONSENT_STATE_PARTLY_WITHDRAWN},
                                              {Day(7), v1::CONSENT_STATE_WITHDRAWN}};
  EXPECT_EQ(HistoryOf(state, state.agreements().front(), Sample(), Day(11)).changes, changes);
  EXPECT_EQ(First(agreed().WithdrawsOf(5, 1, {Of({}, {To("caf")})}).Refuses(6, {Of({}, {To("siao")})})),
            v1::CONSENT_STATE_WITHDRAWN)
      << "by number and by lines";
  EXPECT_EQ(First(agreed().Withdraws(5, {Of({}, {To("caf")}), Of({}, {To("siao")})})),
            v1::CONSENT_STATE_WITHDRAWN)
      << "two lines of one act";
}

TEST(Against, EachCombinationCounts) {
  Story story = Story()
                    .Agrees(1, {BothToBoth()})
                    .Withdraws(4, {Of({"IDENTITY"})})
                    .Withdraws(5, {Of({"ADDRESS"}, {To("caf")})});
  EXPECT_EQ(First(story), v1::CONSENT_STATE_PARTLY_WITHDRAWN) << "her address to the SIAO";
  story.Withdraws(6, {Of({"ADDRESS"}, {To("siao")})}).Refuses(8, {Line()});
  EXPECT_EQ(First(story), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(story.state(), story.state().agreements().front()).since, Day(6))
      << "before the one that holds all of it";
  const Story corners = Story()
                            .Agrees(1, {BothToBoth()})
                            .Withdraws(4, {Of({"IDENTITY"}, {To("caf")})})
                            .Withdraws(5, {Of({"ADDRESS"}, {To("siao")})});
  EXPECT_EQ(First(corners), v1::CONSENT_STATE_PARTLY_WITHDRAWN) << "each value is in one, not each pair";
}

// What is left of another line is left.
TEST(Against, EachLineCounts) {
  Story story = Story()
                    .Agrees(1, {BothToBoth(), RightsLine({To("aphp")})})
                    .Withdraws(4, {Of({}, {To("caf")})})
                    .Withdraws(5, {Of({}, {To("siao")})});
  EXPECT_EQ(First(story), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  story.Withdraws(6, {Of({}, {To("aphp")})});
  EXPECT_EQ(First(story), v1::CONSENT_STATE_WITHDRAWN);
}

// A kind is open: who is of it tomorrow was not said no to.
TEST(Against, AKindIsNotItsInstitutions) {
  const Line line = MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {Kind("BENEFITS")});
  Story story = Story().Agrees(1, {line}).Withdraws(4, {Of({"ADDRESS"})});
  story.Withdraws(5, {Of({"IDENTITY"}, {To("caf")})});  // the only one
  EXPECT_EQ(First(story), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  story.Withdraws(6, {Of({"IDENTITY"}, {Kind("BENEFITS")})});
  EXPECT_EQ(First(story), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(story.state(), story.state().agreements().front()).since, Day(6));
}

// D-4.4a: what was taken of one report is no combination that is gone.
TEST(Against, WhatIsLimitedToAReportIsNotPutTogether) {
  const PersonState state =
      Story()
          .Agrees(1, {ToCaf()}, false, "BSPP-1")
          .Agrees(2, {MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf")})})
          .WithdrawsAgreement(3, 1)
          .Withdraws(4, {Of({"ADDRESS"})})
          .state();
  ASSERT_TRUE(Permits(state));
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(2))), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
}

// A no from before it may have been answered: it is put together with nothing.
TEST(Against, ANoFromBeforeItStaysAPart) {
  const PersonState state = Story()
                                .Refuses(1, {Of({"IDENTITY"})})
                                .RepresentativeAgrees(2, {BothToBoth()})
                                .Withdraws(4, {Of({"ADDRESS"})})
                                .state();
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(2))), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
}

// What she agrees to anew stands, and what had been taken does not come back.
TEST(Against, ANewAgreementAfterTheRestWasTaken) {
  const PersonState state = Story()
                                .Agrees(1, {BothToBoth()})
                                .Withdraws(4, {Of({"ADDRESS"})})
                                .Withdraws(5, {Of({"IDENTITY"})})
                                .Agrees(6, {BothToBoth()})
                                .state();
  ASSERT_TRUE(Permits(state));
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(1))), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(State(state, *state.FindAgreement(IdOf(4))), v1::CONSENT_STATE_GIVEN);
}

// A long history of short noes against long lines: to its end, and exactly. Each leaves out one value and
// names half of the recipients; one recipient is named by the last two alone.
TEST(Against, ManyNoesThatEachLeaveSomethingOut) {
  constexpr int kLines = 44;
  constexpr int kNoes = 255;
  constexpr int kValues = 10;
  constexpr int kRecipients = 20;
  std::vector<std::string> purposes;
  std::vector<std::string> categories;
  std::vector<Recipient> recipients;
  recipients.reserve(kRecipients);
  for (int i = 0; i < kValues; ++i) {
    purposes.push_back("P" + std::to_string(i));
    categories.push_back("C" + std::to_string(i));
  }
  for (int i = 0; i < kRecipients; ++i) {
    recipients.push_back(To("r" + std::to_string(i)));
  }
  const auto without = [](std::vector<std::string> values, int left_out) {
    if (left_out >= 0 && left_out < kValues) {
      values.erase(values.begin() + left_out);
    }
    return values;
  };
  const std::vector<common::v1::Act> acts = {common::v1::ACT_TRANSMIT, common::v1::ACT_STORE};
  std::vector<Line> lines;
  lines.reserve(kLines);
  for (int i = 0; i < kLines; ++i) {
    lines.push_back(MakeLine(purposes, without(categories, i % (kValues + 1)), recipients, acts));
  }
  Story story = Story().Agrees(1, lines);
  for (int no = 0; no < kNoes; ++no) {
    const bool of_the_last_two = no >= kNoes - 2;
    std::vector<Recipient> some;
    for (int i = 0; i < kRecipients; ++i) {
      if (i == 0 ? of_the_last_two : i % 2 == no / (2 * kValues) % 2) {
        some.push_back(recipients[i]);
      }
    }
    const int left_out = no % (2 * kValues);
    story.Withdraws(
        2 + no, {MakeLine(without(purposes, left_out), without(categories, left_out - kValues), some, acts)});
  }
  constexpr int kLast = 2 + kNoes - 1;
  EXPECT_EQ(First(story, kLast - 1), v1::CONSENT_STATE_PARTLY_WITHDRAWN);
  EXPECT_EQ(First(story, kLast), v1::CONSENT_STATE_WITHDRAWN);
  EXPECT_EQ(OnReceipt(story.state(), *story.state().FindAgreement(IdOf(1)), kLast + 1).since, Day(kLast));
}

// True when a check permits something that the line holds; of the kind also to one that nobody named.
bool PermitsSome(const PersonState& state, const Rules& rules) {
  for (const char* recipient : {"caf", "siao", "emmaus", "newcomer"}) {
    for (const char* category : {"IDENTITY", "ADDRESS"}) {
      Question question = RightsQuestion();
      question.recipient = recipient;
      question.categories = {category};
      if (Decide(state, question, rules, testing::At(Day(11))).whole.permitted()) {
        return true;
      }
    }
  }
  return false;
}

// Every history of three noes after an agreement: withdrawn exactly when no check permits anything by it.
TEST(Against, WithdrawnExactlyWhenNoCheckPermitsAnything) {
  Rules rules = testing::SampleRules();
  rules.institution_kinds.emplace("newcomer", "ASSOCIATION");
  const Line line =
      MakeLine({"RIGHTS_OPENING"}, {"IDENTITY", "ADDRESS"}, {To("caf"), To("siao"), Kind("ASSOCIATION")});
  const Recipient kind = Kind("ASSOCIATION");
  const std::vector<std::vector<Line>> noes = {
      {Of({"IDENTITY"})},
      {Of({"ADDRESS"})},
      {Of({"HEALTH"})},
      {Of({}, {To("caf"), To("siao")})},
      {Of({}, {To("caf")}), Of({}, {To("siao")})},
      {Of({}, {kind})},
      {Of({}, {To("emmaus")})},
      {Of({}, {To("emmaus"), To("newcomer")})},
      {Of({"ADDRESS"}, {To("caf"), To("siao")}), Of({"ADDRESS"}, {kind})},
      {Of({"IDENTITY"}, {To("siao"), kind})},
      {Of({"IDENTITY"}, {To("caf"), To("siao"), kind})},
      {Of({"IDENTITY", "ADDRESS"}, {Kind("BENEFITS"), Kind("SIAO")})},
  };
  int withdrawn = 0;
  int in_part = 0;
  for (const auto& first : noes) {
    for (const auto& second : noes) {
      for (const auto& third : noes) {
        for (const bool by_number : {false, true}) {
          Story story = Story().Agrees(1, {line});
          int day = 2;
          for (const auto& no : {first, second, third}) {
            if (by_number) {
              story.WithdrawsOf(day++, 1, no);
            } else {
              story.Withdraws(day++, no);
            }
          }
          const v1::ConsentState state =
              StateOf(story.state(), story.state().agreements().front(), rules, Day(11));
          // Who was named is denied; of a kind somebody else may come.
          Rules later = rules;
          later.institution_kinds.emplace("another", "ASSOCIATION");
          Question open = RightsQuestion();
          open.recipient = "another";
          bool permits = PermitsSome(story.state(), rules);
          for (const char* category : {"IDENTITY", "ADDRESS"}) {
            open.categories = {category};
            permits = permits || Decide(story.state(), open, later, testing::At(Day(11))).whole.permitted();
          }
          ASSERT_EQ(state == v1::CONSENT_STATE_WITHDRAWN, !permits) << withdrawn << "/" << in_part;
          withdrawn += permits ? 0 : 1;
          in_part += state == v1::CONSENT_STATE_PARTLY_WITHDRAWN ? 1 : 0;
        }
      }
    }
  }
  EXPECT_GT(withdrawn, 50);
  EXPECT_GT(in_part, 500);
}

}  // namespace
}  // namespace relais::consent
