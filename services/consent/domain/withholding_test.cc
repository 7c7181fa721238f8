// What her access history keeps back, in cases that a lawyer can read.
#include "services/consent/domain/withholding.h"

#include <gtest/gtest.h>

#include "services/consent/domain/testing.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;

struct Checked {
  audit::v1::LeafHeader header;
  v1::CheckDecided check;

  [[nodiscard]] bool Withheld() const { return IsWithheld(header, check, testing::SampleRules()); }
};

// The Ville's to the SIAO, to assess her situation.
Checked Decided(common::v1::Decision decision, common::v1::Ground ground,
                common::v1::Ground stated = common::v1::GROUND_UNSPECIFIED) {
  Checked checked;
  checked.header.set_decision(decision);
  checked.header.set_ground(ground);
  checked.header.set_purpose("SOCIAL_ASSESSMENT");
  checked.check.mutable_sender()->set_institution("ville-paris");
  checked.check.mutable_recipient()->set_institution("siao");
  checked.check.set_stated_ground(stated);
  return checked;
}

TEST(Withholding, WhatSheAgreedToIsShownAndSoIsItsDenial) {
  EXPECT_FALSE(Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT).Withheld());
  EXPECT_FALSE(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED).Withheld());
  EXPECT_FALSE(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, common::v1::GROUND_ART6).Withheld());
}

TEST(Withholding, ProtectedReportsAreNotPermittedOrDenied) {
  for (const common::v1::Ground ground :
       {common::v1::GROUND_CP_226_14_1, common::v1::GROUND_INFO_PREOCCUPANTE,
        common::v1::GROUND_CASF_226_2_2}) {
    EXPECT_TRUE(Decided(DECISION_PERMIT, ground, ground).Withheld()) << ground;
    EXPECT_TRUE(Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED, ground).Withheld()) << ground;
    Checked mixed = Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT);
    mixed.check.add_bases()->set_ground(ground);
    EXPECT_TRUE(mixed.Withheld()) << ground;
  }
}

// Stated in vain, and permitted all the same because she agreed: that is hers to see.
TEST(Withholding, WhatHerAgreementPermittedIsShownWhateverWasStated) {
  EXPECT_FALSE(
      Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT, common::v1::GROUND_CP_226_14_1).Withheld());
}

TEST(Withholding, ADeniedReportOfBeforeLeavesSaidTheirGround) {
  Checked report = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED);
  report.check.set_signal_type("DISTRESS_REPORT");
  EXPECT_TRUE(report.Withheld());
}

TEST(Withholding, WhateverConcernsChildProtection) {
  Checked purpose = Decided(DECISION_PERMIT, common::v1::GROUND_AGREEMENT);
  purpose.header.set_purpose("CHILD_PROTECTION");
  EXPECT_TRUE(purpose.Withheld());
  Checked recipient = Decided(DECISION_DENY, common::v1::GROUND_UNSPECIFIED);
  recipient.check.mutable_recipient()->set_institution("crip75");
  EXPECT_TRUE(recipient.Withheld());
}

}  // namespace
}  // namespace relais::consent
