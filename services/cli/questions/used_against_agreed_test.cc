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

class UsedAgainstAgreedTest : public ::testing::Test {
 protected:
  Teller teller{MakeUsedAgainstAgreed({})};
  const consent::v1::ConsentLine caf = Line("RIGHTS_OPENING", "IDENTITY", "caf");
};

TEST_F(UsedAgainstAgreedTest, WhatTheAgreementCoversIsFine) {
  teller.Agrees(1, caf, 7);
  teller.Permit(1, 7);
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "BENEFITS"), 8);
  teller.Permit(1, 8);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(UsedAgainstAgreedTest, OfLinkedPersonsTheAgreementOfEitherCarries) {
  teller.Agrees(1, caf, 7);
  teller.Links(1, 2);
  teller.Permit(2, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
  teller.Splits(1, 2);
  teller.Permit(2, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("NO_SUCH_AGREEMENT 4"));
}

TEST_F(UsedAgainstAgreedTest, AnotherPurposeRecipientCategoryActOrReference) {
  teller.Agrees(1, caf, 7);
  teller.Permit(1, 7, [](SeenLeaf& leaf) { leaf.header.set_purpose("HOUSING"); });
  teller.Permit(1, 7, [](SeenLeaf& leaf) { leaf.header.set_categories(0, "HEALTH"); });
  teller.Permit(1, 7, nullptr, [](auto& check) { check.mutable_recipient()->set_institution("cpam"); });
  teller.Permit(1, 7, nullptr, [](auto& check) { check.set_act(common::v1::ACT_STORE); });
  consent::v1::Consent limited = teller.AgreementTo(caf, 8);
  limited.set_source_reference("B-1");
  teller.Agrees(1, limited);
  teller.Permit(1, 8, nullptr, [](auto& check) { check.set_source_reference("B-1"); });
  teller.Permit(1, 8, nullptr, [](auto& check) { check.set_source_reference("B-2"); });
  EXPECT_THAT(teller.Codes(), ElementsAre("NOT_COVERED 1 0", "NOT_COVERED 2 0", "NOT_COVERED 3 0",
                                          "NOT_COVERED 4 0", "NOT_COVERED 7 5"));
}

TEST_F(UsedAgainstAgreedTest, AfterItsPeriodButNotWhileAPermitWasBeingWritten) {
  consent::v1::Consent consent = teller.AgreementTo(caf, 7);
  *consent.mutable_valid_until() = ToProto(teller.now() + absl::Hours(1));
  teller.Agrees(1, consent);
  teller.Pass(absl::Hours(1));
  teller.Permit(1, 7);
  teller.Pass(absl::Minutes(1));
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), ElementsAre("OUTSIDE_PERIOD 2 0"));
}

TEST_F(UsedAgainstAgreedTest, AnAgreementOfSomebodyElseOrOfNobody) {
  teller.Agrees(2, caf, 7);
  teller.Permit(1, 7);
  teller.Permit(1, 0);
  EXPECT_THAT(teller.Codes(), ElementsAre("NO_SUCH_AGREEMENT 1", "NONE_CITED 2"));
}

TEST_F(UsedAgainstAgreedTest, WhatCameBeforeTheFirstLeafReadIsNotHeldAgainstIt) {
  teller.complete = false;
  teller.Permit(1, 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(UsedAgainstAgreedTest, OtherGroundsAreNotItsBusiness) {
  teller.Permit(1, 0, [](SeenLeaf& leaf) { leaf.header.set_ground(common::v1::GROUND_ART6); });
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
