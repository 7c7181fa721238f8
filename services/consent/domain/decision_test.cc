// What surrounds the answers of D-2.6: obligations, ends, bases, and what the tables of cases cannot say.
#include "services/consent/domain/decision.h"

#include <gtest/gtest.h>

#include "common/directory/codes.h"
#include "services/consent/domain/story.h"
#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using testing::CutQuestion;
using testing::IdOf;
using testing::LetterQuestion;
using testing::MakeLine;
using testing::Noon;
using testing::ReportQuestion;
using testing::RightsLine;
using testing::RightsQuestion;
using testing::Story;
using testing::To;
using testing::WordQuestion;

const absl::CivilDay kNov3(2026, 11, 3);

// D-1.13, D-1.5: whatever grounds a protocol lists beside its events.
TEST(Decision, AConventionCarriesLettersOnly) {
  Rules rules = testing::SampleRules();
  for (ProtocolRule& protocol : rules.protocols["edf"]) {
    protocol.grounds.push_back(common::v1::GROUND_CONVENTION);
    protocol.convention_signed = absl::CivilDay(2026, 1, 15);
  }
  const auto reason = [&](const char* event) {
    const Question question = LetterQuestion(common::v1::GROUND_CONVENTION, event, kNov3, std::nullopt);
    return Decide(PersonState(), question, rules, testing::At(Noon(2026, 11, 3))).whole.reason;
  };
  EXPECT_EQ(reason("COUPURE"), v1::REASON_GROUND_NOT_ESTABLISHED);
  EXPECT_EQ(reason("REDUCTION"), v1::REASON_GROUND_NOT_ESTABLISHED);
  EXPECT_EQ(reason("LETTRE_1"), v1::REASON_OPT_OUT_REGIME);
}

// D-4.4a: an agreement given for one brigade's report is not one for another sender's report of that number.
TEST(Decision, AReferenceIsItsInstitutionsOwn) {
  PersonState state;
  Agreement agreement;
  agreement.id = IdOf(1);
  agreement.at = agreement.recorded = agreement.valid_from = Noon(2026, 11, 1);
  agreement.valid_until = Noon(2027, 1, 1);
  agreement.source_reference = "R-1";
  agreement.reference_of = "bspp";
  agreement.lines = {RightsLine({To("caf")})};
  state.Add(agreement);
  Question question = RightsQuestion();
  question.stated.source_reference = "R-1";
  const auto permitted = [&] {
    return Decide(state, question, testing::SampleRules(), testing::At(Noon(2026, 11, 10))).whole.permitted();
  };
  question.sender = "bspp";
  EXPECT_TRUE(permitted());
  question.sender = "emmaus";
  EXPECT_FALSE(permitted());
}

// D-2.5, D-4.9: whatever she agreed to, of every kind that the directory knows.
TEST(Decision, WhoOnlySendsIsNoRecipient) {
  std::vector<std::string> denied;
  for (const std::string_view kind : directory::kInstitutionKinds) {
    Rules rules = testing::SampleRules();
    rules.institution_kinds["caf"] = std::string(kind);
    const Story story = Story().Agrees(1, {RightsLine({To("caf")})});
    const Answer answer = Decide(story.state(), RightsQuestion(), rules, testing::At(Noon(2026, 11, 10)));
    if (!answer.whole.permitted()) {
      EXPECT_EQ(answer.whole.reason, v1::REASON_RECIPIENT_NOT_ALLOWED) << kind;
      denied.emplace_back(kind);
    }
  }
  EXPECT_EQ(denied, (std::vector<std::string>{"ENERGY_SUPPLIER", "WATER_SUPPLIER", "FIRE_BRIGADE", "EMPLOYER",
                                              "LANDLORD"}));
}

// D-2.7: authorised or not, a professional's own word carries no data on offences; the other categories do
// not suffer from it.
TEST(Decision, AProfessionalsWordCarriesNoDataOnOffences) {
  Rules rules = testing::SampleRules();
  rules.offence_senders.emplace("ville-paris", std::nullopt);
  Question question = WordQuestion(common::v1::GROUND_CP_226_14_1);
  question.categories = {"OFFENCE", "HEALTH"};
  const Answer answer = Decide(PersonState(), question, rules, testing::At(Noon(2026, 11, 10)));
  ASSERT_EQ(answer.categories.size(), 2u);
  EXPECT_EQ(answer.categories[0].reason, v1::REASON_CATEGORY_NOT_ALLOWED);
  EXPECT_EQ(answer.categories[1].reason, v1::REASON_LEGAL_DUTY);
}

// D-2.3: parents and child first; D-2.7, art. 14.
TEST(Decision, EachLegalDutyComesWithWhatIsOwedAfterIt) {
  const auto owed = [](common::v1::Ground ground) {
    const Answer answer =
        Decide(PersonState(), WordQuestion(ground), testing::SampleRules(), testing::At(Noon(2026, 11, 10)));
    EXPECT_EQ(answer.whole.ground, ground);
    return answer.obligations;
  };
  EXPECT_EQ(owed(common::v1::GROUND_CP_226_14_1), std::vector{v1::OBLIGATION_INFORM_AT_FIRST_CONTACT});
  EXPECT_EQ(owed(common::v1::GROUND_INFO_PREOCCUPANTE), std::vector{v1::OBLIGATION_INFORM_PARENTS_AND_CHILD});
  EXPECT_EQ(owed(common::v1::GROUND_CASF_226_2_2), std::vector{v1::OBLIGATION_INFORM_PARENTS_AND_CHILD});
}

TEST(Decision, DirectoryPastItsEndPermitsNothing) {
  const Story story = Story().Agrees(1, {RightsLine({To("caf")})}, false, "", 60);
  const Answer answer =
      Decide(story.state(), RightsQuestion(), testing::SampleRules(), testing::At(Noon(2028, 1, 2)));
  EXPECT_EQ(answer.whole.reason, v1::REASON_DIRECTORY_EXPIRED);
}

TEST(Decision, OffenceAuthorisationEndsWithItsLastDay) {
  Question question = ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris");
  question.sender = "prison";
  question.categories = {"OFFENCE"};
  EXPECT_TRUE(Decide(PersonState(), question, testing::SampleRules(), testing::At(Noon(2026, 12, 31)))
                  .whole.permitted());
  EXPECT_EQ(
      Decide(PersonState(), question, testing::SampleRules(), testing::At(Noon(2027, 1, 1))).whole.reason,
      v1::REASON_OFFENCE_NOT_AUTHORISED);
}

TEST(Decision, EmergencyNamesTheFunctionItIsFor) {
  PersonState state;
  Emergency emergency;
  emergency.id = IdOf(1);
  emergency.recipient = "caf";
  emergency.recipient_function = "medecin";
  emergency.categories = {"IDENTITY"};
  emergency.from = Noon(2026, 11, 9);
  emergency.until = Noon(2026, 11, 12);
  state.Add(emergency);
  Question question = RightsQuestion();
  EXPECT_FALSE(
      Decide(state, question, testing::SampleRules(), testing::At(Noon(2026, 11, 10))).whole.permitted());
  question.recipient_function = "medecin";
  const Answer answer = Decide(state, question, testing::SampleRules(), testing::At(Noon(2026, 11, 10)));
  EXPECT_TRUE(answer.whole.permitted());
  EXPECT_EQ(answer.whole.expires, emergency.until);
  EXPECT_EQ(answer.whole.basis, emergency.id);
  EXPECT_EQ(answer.obligations, std::vector{v1::OBLIGATION_INFORM_AND_REVIEW});
}

TEST(Decision, GivesTheAgreementThatLastsLongestAndItsEnd) {
  const Story story = Story()
                          .ExpiresOn(1, {RightsLine({To("caf")})}, 20)
                          .ExpiresOn(2, {RightsLine({To("caf")})}, 25)
                          .ExpiresOn(3, {RightsLine({To("caf")})}, 15);
  const Answer answer =
      Decide(story.state(), RightsQuestion(), testing::SampleRules(), testing::At(Noon(2026, 11, 10)));
  EXPECT_EQ(answer.whole.basis, IdOf(2));
  EXPECT_EQ(answer.whole.expires, Noon(2026, 11, 25));
  EXPECT_TRUE(answer.obligations.empty());
}

TEST(Decision, TheDecreeComesWithItsObligations) {
  const Answer answer =
      Decide(PersonState(), CutQuestion(kNov3), testing::SampleRules(), testing::At(Noon(2026, 11, 9)));
  EXPECT_EQ(answer.whole.ground, common::v1::GROUND_ART6);
  EXPECT_EQ(answer.obligations,
            (std::vector{v1::OBLIGATION_DECREE_FIELDS_ONLY, v1::OBLIGATION_INFORM_AT_FIRST_CONTACT}));
}

TEST(Decision, EachCategoryHasItsOwnAnswer) {
  Question question = RightsQuestion();
  question.categories = {"ADDRESS", "IDENTITY"};
  const Story story = Story().Agrees(1, {RightsLine({To("caf")})});
  const Answer answer =
      Decide(story.state(), question, testing::SampleRules(), testing::At(Noon(2026, 11, 10)));
  ASSERT_EQ(answer.categories.size(), 2u);
  EXPECT_EQ(answer.categories[0].reason, v1::REASON_NO_GROUND);
  EXPECT_EQ(answer.categories[1].reason, v1::REASON_AGREEMENT);
  EXPECT_FALSE(answer.whole.permitted());
  EXPECT_EQ(answer.whole.reason, v1::REASON_NO_GROUND);
}

// D-2.7: at most "leaving an institution" and the date.
TEST(Decision, DataOnOffencesComeWithTheirLimit) {
  Question question = ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris");
  question.sender = "prison";
  question.categories = {"IDENTITY", "OFFENCE"};
  const auto obligations = [&] {
    return Decide(PersonState(), question, testing::SampleRules(), testing::At(Noon(2026, 11, 10)))
        .obligations;
  };
  EXPECT_EQ(obligations(),
            (std::vector{v1::OBLIGATION_INFORM_AT_FIRST_CONTACT, v1::OBLIGATION_LEAVING_AND_DATE_ONLY}));
  question.categories = {"IDENTITY"};
  EXPECT_EQ(obligations(), std::vector{v1::OBLIGATION_INFORM_AT_FIRST_CONTACT});
}

// D-2.7: the ground of a planned exit ends with the authorisation; what is owed for it is art. 14's, too.
TEST(Decision, APlannedExitEndsWithTheAuthorisationOfItsSender) {
  const absl::CivilDay leaving(2027, 2, 1);
  const auto on = [&](absl::Time now) {
    return Decide(PersonState(), testing::ExitQuestion(leaving), testing::SampleRules(), testing::At(now));
  };
  const Answer answer = on(Noon(2026, 12, 31));
  EXPECT_EQ(answer.whole.ground, common::v1::GROUND_AUTHORISED_EXIT);
  EXPECT_EQ(answer.obligations,
            (std::vector{v1::OBLIGATION_INFORM_AT_FIRST_CONTACT, v1::OBLIGATION_LEAVING_AND_DATE_ONLY}));
  EXPECT_EQ(on(Noon(2027, 1, 1)).whole.reason, v1::REASON_OFFENCE_NOT_AUTHORISED);
}

// Whatever a directory lists together: what a protocol lets go beside data on offences goes on no such
// ground.
TEST(Decision, APlannedExitCarriesNothingElseWhateverItsProtocolLists) {
  Rules rules = testing::SampleRules();
  for (ProtocolRule& protocol : rules.protocols["prison"]) {
    protocol.events.emplace_back("HOSPITAL");
    protocol.categories = {"IDENTITY", "HEALTH", "OFFENCE"};
  }
  Question question = testing::ExitQuestion(absl::CivilDay(2026, 11, 20));
  question.categories = {"OFFENCE", "IDENTITY", "HEALTH"};
  const auto reasons = [&] {
    std::vector<v1::Reason> each;
    for (const CategoryAnswer& category :
         Decide(PersonState(), question, rules, testing::At(Noon(2026, 11, 10))).categories) {
      each.push_back(category.reason);
    }
    return each;
  };
  EXPECT_EQ(reasons(), (std::vector{v1::REASON_AUTHORISED_EXIT, v1::REASON_CATEGORY_NOT_ALLOWED,
                                    v1::REASON_CATEGORY_NOT_ALLOWED}));
  question.stated.event = "HOSPITAL";
  EXPECT_EQ(reasons(), std::vector(3, v1::REASON_GROUND_NOT_ESTABLISHED));
}

// RGPD art. 18: what is restricted is not told by it either.
TEST(Decision, APlannedExitStopsAtARestriction) {
  PersonState state;
  Restriction restriction;
  restriction.institution = "ville-paris";
  restriction.from = Noon(2026, 11, 5);
  state.Add(restriction);
  EXPECT_EQ(Decide(state, testing::ExitQuestion(absl::CivilDay(2026, 11, 20)), testing::SampleRules(),
                   testing::At(Noon(2026, 11, 10)))
                .whole.reason,
            v1::REASON_RESTRICTED);
}

// D-2.8: a permit does not outlive the mandate.
TEST(Decision, EndsWithTheMandate) {
  const Story story = Story().RepresentativeAgrees(1, {RightsLine({To("caf")})}, 20);
  const Answer answer =
      Decide(story.state(), RightsQuestion(), testing::SampleRules(), testing::At(Noon(2026, 11, 10)));
  EXPECT_EQ(answer.whole.expires, Noon(2026, 11, 20));
}

// Whatever else was asked for with it, denied or permitted on another ground.
TEST(Decision, WhatComesWithACategoryIsWhatComesWithItAlone) {
  const Story story = Story().Agrees(1, {MakeLine({"SOCIAL_ASSESSMENT"}, {"ADDRESS"}, {To("ville-paris")})});
  Question question = ReportQuestion(common::v1::GROUND_CP_226_14_1, "ville-paris");
  question.sender = "prison";
  question.categories = {"IDENTITY", "OFFENCE", "ADDRESS", "HEALTH"};
  const Moment moment = testing::At(Noon(2026, 11, 10));
  const Rules rules = testing::SampleRules();
  const Answer answer = Decide(story.state(), question, rules, moment);
  ASSERT_FALSE(answer.whole.permitted());
  std::vector<size_t> owed;
  for (size_t i = 0; i < answer.categories.size(); ++i) {
    Question alone = question;
    alone.categories = {question.categories[i]};
    const auto obligations = ObligationsOf(answer.categories[i], question.categories[i], rules);
    EXPECT_EQ(obligations, Decide(story.state(), alone, rules, moment).obligations) << question.categories[i];
    owed.push_back(obligations.size());
  }
  EXPECT_EQ(owed, (std::vector<size_t>{1, 2, 0, 0}));
}

TEST(Decision, NoCategoryIsNoPermit) {
  Question question = RightsQuestion();
  question.categories.clear();
  const Story story = Story().Agrees(1, {RightsLine({To("caf")})});
  EXPECT_FALSE(Decide(story.state(), question, testing::SampleRules(), testing::At(Noon(2026, 11, 10)))
                   .whole.permitted());
}

}  // namespace
}  // namespace relais::consent
