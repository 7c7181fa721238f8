#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Line;
using testing::Teller;

class PermitAfterRefusalTest : public ::testing::Test {
 protected:
  Teller teller{MakePermitAfterRefusal({})};
  const consent::v1::ConsentLine caf = Line("RIGHTS_OPENING", "IDENTITY", "caf");
  const consent::v1::ConsentLine everything = Line("", "", "");
};

TEST_F(PermitAfterRefusalTest, AnAgreementAloneIsFine) {
  teller.Agrees(1, caf, 7);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, ARefusalThatCoversStands) {
  teller.Agrees(1, caf, 7);
  teller.Refuses(1, caf);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 2 1"));
}

TEST_F(PermitAfterRefusalTest, ARefusalOfSomethingElseOrOfSomebodyElseDoesNot) {
  teller.Agrees(1, caf, 7);
  teller.Refuses(1, Line("RIGHTS_OPENING", "HEALTH", "caf"));
  teller.Refuses(1, Line("HOUSING", "", "caf"));
  teller.Refuses(1, Line("RIGHTS_OPENING", "IDENTITY", "cpam"));
  teller.Refuses(2, everything);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, OfLinkedPersonsTheNoOfEitherStands) {
  teller.Agrees(1, caf, 7);
  teller.Refuses(2, caf);
  teller.Permit(1, 7);  // two persons still
  EXPECT_THAT(teller.Codes(), IsEmpty());
  teller.Links(1, 2);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 4 1"));
}

// ADR 40: of two who became one by likeness nobody knows that the yes is of who said the no.
TEST_F(PermitAfterRefusalTest, ALaterYesOfAnotherNameAnswersOnlyIfRecordedSinceTheyAreOne) {
  teller.Refuses(2, caf);
  teller.Agrees(1, caf, 7);
  teller.Links(1, 2);
  teller.Permit(1, 7);
  teller.Permit(2, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 3 0", "REFUSED 4 0"));
  teller.Agrees(1, caf, 8);  // each has a leaf
  teller.Agrees(2, caf, 8);
  teller.Permit(1, 8);
  teller.Permit(2, 8);
  EXPECT_THAT(teller.Codes(), IsEmpty());
  teller.Permit(1, 7);  // it never began
  EXPECT_THAT(teller.Codes(), ElementsAre("ENDED_AGREEMENT 9 0"));
}

TEST_F(PermitAfterRefusalTest, AnsweredUnderItsOwnNameANoIsAnswered) {
  teller.Refuses(2, caf);
  teller.Agrees(2, caf, 7);
  teller.Agrees(1, caf, 8);
  teller.Links(1, 2);
  teller.Permit(1, 7);
  teller.Permit(1, 8);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, ToAnswerTheNoOfOneNameIsNotToAnswerTheOthers) {
  teller.Refuses(2, caf);
  teller.Refuses(1, caf);
  teller.Agrees(1, caf, 7);
  teller.Links(1, 2);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 4 0"));
}

TEST_F(PermitAfterRefusalTest, OfTwoWhoAreLinkedToAThirdTheLaterLinkCounts) {
  teller.Refuses(3, caf);
  teller.Links(1, 2);
  teller.Agrees(2, caf, 7);  // to 1 and 2 as one
  teller.Links(1, 3);
  teller.Permit(2, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 4 0"));
  teller.Agrees(2, caf, 8);
  teller.Permit(2, 8);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, ARepresentativesNoAfterHersDoesNotHideIt) {
  teller.Refuses(1, caf);
  consent::v1::RefusalRecorded represented;
  *represented.add_lines() = caf;
  represented.set_said_by(consent::v1::REPRESENTATION_TUTELLE);
  teller.Tell("consent", audit::v1::EVENT_CLASS_REFUSAL_RECORDED, represented, Teller::Of(1));
  consent::v1::Consent agreed = teller.AgreementTo(caf, 7);
  agreed.mutable_representative()->set_kind(consent::v1::REPRESENTATION_TUTELLE);
  teller.Agrees(1, agreed);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 3 0"));
}

TEST_F(PermitAfterRefusalTest, AfterASplitTheNoFromBeforeIsHersAlone) {
  teller.Agrees(1, caf, 7);
  teller.Refuses(2, caf);
  teller.Links(1, 2);
  teller.Splits(1, 2);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
  teller.Permit(2, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 5 1"));
}

// ADR 24: on the side that has not the agreement it was read as a withdrawal of everything.
TEST_F(PermitAfterRefusalTest, AWithdrawalOfOneAgreementReachesNoFartherAfterASplit) {
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "cpam"), 7);
  teller.Agrees(2, caf, 8);
  teller.Links(1, 2);
  teller.Withdraws(1, everything, 7);
  teller.Withdraws(2, everything, 7);  // each has a leaf
  teller.Splits(1, 2);
  teller.Permit(2, 8);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, ALaterAgreementSupersedesOnItsLines) {
  teller.Refuses(1, caf);
  teller.Agrees(1, caf, 7);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, BroadAgainstNarrowTheRefusalWins) {
  teller.Refuses(1, caf);
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "BENEFITS"), 7);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 2 0"));
}

TEST_F(PermitAfterRefusalTest, ABroadRefusalIsAnsweredByANarrowAgreement) {
  teller.Refuses(1, everything);
  teller.Agrees(1, caf, 7);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(PermitAfterRefusalTest, AnAgreementEnteredLateDoesNotOverruleWhatCameBetween) {
  consent::v1::Consent late = teller.AgreementTo(caf, 7);
  teller.Pass(absl::Hours(1));
  teller.Refuses(1, caf);
  teller.Pass(absl::Hours(1));
  teller.Agrees(1, late);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 2 0"));
}

TEST_F(PermitAfterRefusalTest, AWithdrawalOfOneAgreementIsAsBroadAsThatAgreement) {
  teller.Agrees(1, caf, 7);
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "cpam"), 8);
  teller.Withdraws(1, everything, 8);
  teller.Permit(1, 7);  // the other one stands
  teller.Withdraws(1, everything, 7);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("WITHDRAWN 5 4"));
}

// D-2.6.2: she took back of a broad agreement this institution by name.
TEST_F(PermitAfterRefusalTest, ANarrowWithdrawalOfABroadAgreementIsNarrow) {
  const consent::v1::ConsentLine benefits = Line("RIGHTS_OPENING", "IDENTITY", "BENEFITS");
  teller.Agrees(1, benefits, 7);
  teller.Withdraws(1, Line("", "", "caf"), 7);
  teller.Agrees(1, benefits, 8);
  teller.Permit(1, 8);
  EXPECT_THAT(teller.Codes(), ElementsAre("WITHDRAWN 3 1"));
}

TEST_F(PermitAfterRefusalTest, AWithdrawalOfEverythingCoversEveryGroundButALegalDuty) {
  teller.Withdraws(1, everything);
  const auto on = [&](common::v1::Ground ground) {
    teller.Permit(1, 0, [ground](SeenLeaf& leaf) { leaf.header.set_ground(ground); });
  };
  on(common::v1::GROUND_ART6);
  on(common::v1::GROUND_EMERGENCY);
  on(common::v1::GROUND_CP_226_14_1);
  on(common::v1::GROUND_INFO_PREOCCUPANTE);
  on(common::v1::GROUND_CASF_226_2_2);
  EXPECT_THAT(teller.Codes(), ElementsAre("WITHDRAWN 1 0", "WITHDRAWN 2 0"));
}

TEST_F(PermitAfterRefusalTest, AnObjectionBindsUntilItIsLifted) {
  const auto permit = [&] {
    teller.Permit(
        1, 0, [](SeenLeaf& leaf) { leaf.header.set_ground(common::v1::GROUND_ART6); },
        [](auto& check) { check.mutable_sender()->set_institution("edf"); });
  };
  teller.Objects(1, "engie", "d");
  permit();
  teller.Objects(1, "edf", "d");
  permit();
  teller.Lifts(1, "edf", "another");
  permit();
  teller.Lifts(1, "edf", "d");
  permit();
  EXPECT_THAT(teller.Codes(), ElementsAre("OBJECTED 3 2", "OBJECTED 5 2"));
}

TEST_F(PermitAfterRefusalTest, AnAgreementThatADenialEndedDoesNotComeBack) {
  teller.Agrees(1, caf, 7);
  teller.Refuses(1, caf);
  teller.Agrees(1, caf, 8);
  teller.Permit(1, 8);
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("ENDED_AGREEMENT 4 1"));
}

TEST_F(PermitAfterRefusalTest, EachCategoryIsJudgedOnItsOwnGround) {
  teller.Refuses(1, Line("RIGHTS_OPENING", "CONTACT", "caf"));
  teller.Agrees(1, caf, 7);
  const auto both = [](common::v1::Ground ground) {
    return [ground](consent::v1::CheckDecided& check) {
      consent::v1::CategoryBasis* agreed = check.add_bases();
      agreed->set_category("IDENTITY");
      agreed->set_ground(common::v1::GROUND_AGREEMENT);
      agreed->set_consent_id(IdOf(7).ToHex());
      consent::v1::CategoryBasis* other = check.add_bases();
      other->set_category("CONTACT");
      other->set_ground(ground);
    };
  };
  teller.Permit(1, 7, nullptr, both(common::v1::GROUND_CP_226_14_1));
  teller.Permit(1, 7, nullptr, both(common::v1::GROUND_ART2));
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 3 0"));
}

TEST_F(PermitAfterRefusalTest, DenialsOutsideThePeriodStillCountPermitsDoNot) {
  teller.Refuses(1, caf);
  teller.Permit(1, 7, [](SeenLeaf& leaf) { leaf.in_period = false; });
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("REFUSED 2 0"));
}

TEST_F(PermitAfterRefusalTest, NamesNoPersonButByIdAndSaysWhoseActItWas) {
  teller.Refuses(3, caf);
  teller.Permit(3, 7);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].institution, "ville-paris");
  EXPECT_EQ(found[0].function, "assistant-social");
  EXPECT_EQ(found[0].recipient, "caf");
  EXPECT_THAT(found[0].persons, ElementsAre(IdOf(3)));
  EXPECT_EQ(found[0].facts.at("category"), "IDENTITY");
}

}  // namespace
}  // namespace relais::cli::questions
