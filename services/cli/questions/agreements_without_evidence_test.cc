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

class AgreementsWithoutEvidenceTest : public ::testing::Test {
 protected:
  consent::v1::Consent Good() { return teller.AgreementTo(Line("RIGHTS_OPENING", "IDENTITY", "caf"), 7); }
  Teller teller{MakeAgreementsWithoutEvidence({})};
};

TEST_F(AgreementsWithoutEvidenceTest, PaperWithoutEvidence) {
  consent::v1::Consent consent = Good();
  consent.clear_evidence();
  teller.Agrees(1, consent);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].what, "NO_EVIDENCE");
  EXPECT_EQ(found[0].facts.at("agreement"), IdOf(7).ToHex());
}

TEST_F(AgreementsWithoutEvidenceTest, NoNoticeAndNoReport) {
  consent::v1::Consent consent = Good();
  consent.mutable_notice()->clear_version();
  consent.set_method(consent::v1::METHOD_SPOKEN_ON_SITE);
  teller.Agrees(1, consent);
  EXPECT_THAT(teller.Codes(), ElementsAre("NO_NOTICE 0", "NO_SOURCE_REFERENCE 0"));
}

TEST_F(AgreementsWithoutEvidenceTest, WhatIsCompleteOrOutsideThePeriodOrNotPaper) {
  teller.Agrees(1, Good());
  consent::v1::Consent spoken = Good();
  spoken.clear_evidence();
  spoken.set_method(consent::v1::METHOD_SPOKEN_WITNESSED);
  teller.Agrees(1, spoken);
  consent::v1::ConsentRecorded before;
  *before.mutable_consent() = Good();
  before.mutable_consent()->clear_evidence();
  teller.Tell("consent", audit::v1::EVENT_CLASS_CONSENT_RECORDED, before,
              [](SeenLeaf& leaf) { leaf.in_period = false; });
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
