#include "services/vault/domain/her_no.h"

#include <gtest/gtest.h>

namespace relais::vault {
namespace {

using consent::v1::ConsentLine;

const std::string kConsent(32, 'a');
const std::string kOther(32, 'b');

Covered Share() {
  return {
      kConsent, "RIGHTS_OPENING", "caf", "BENEFITS", common::v1::ACT_SHARE_DOCUMENT, {"DOCUMENTS", "HEALTH"}};
}

ConsentLine Line(const std::string& purpose, const std::string& institution, const std::string& kind,
                 const std::string& category, common::v1::Act act) {
  ConsentLine line;
  if (!purpose.empty()) line.add_purposes(purpose);
  if (!institution.empty()) line.add_recipients()->set_institution(institution);
  if (!kind.empty()) line.add_recipients()->set_kind(kind);
  if (!category.empty()) line.add_categories(category);
  if (act != common::v1::ACT_UNSPECIFIED) line.add_acts(act);
  return line;
}

TEST(HerNo, AWholeAgreement) {
  EXPECT_TRUE(Ends({kConsent, {}}, Share()));
  EXPECT_FALSE(Ends({kOther, {}}, Share()));
  EXPECT_TRUE(Ends({"", {}}, Share())) << "everything";
}

TEST(HerNo, LinesThatTouchIt) {
  const auto none = common::v1::ACT_UNSPECIFIED;
  for (const ConsentLine& line :
       {Line("", "", "", "", none), Line("RIGHTS_OPENING", "", "", "", none), Line("", "caf", "", "", none),
        Line("", "", "BENEFITS", "", none), Line("", "", "", "HEALTH", none),
        Line("", "", "", "", common::v1::ACT_SHARE_DOCUMENT),
        Line("RIGHTS_OPENING", "caf", "", "DOCUMENTS", common::v1::ACT_SHARE_DOCUMENT)}) {
    EXPECT_TRUE(Ends({"", {line}}, Share())) << line.ShortDebugString();
    EXPECT_TRUE(Ends({kConsent, {line}}, Share()));
    EXPECT_FALSE(Ends({kOther, {line}}, Share())) << "it is bounded to another agreement";
  }
}

// A withdrawal ends every agreement before it as far as its lines go, whichever it names: consent decides.
TEST(HerNo, TouchesWhatItsLinesMeetWhicheverAgreementItNames) {
  const auto none = common::v1::ACT_UNSPECIFIED;
  EXPECT_TRUE(Touches({kOther, {}}, Share()));
  EXPECT_TRUE(Touches({kOther, {Line("", "caf", "", "", none)}}, Share()));
  EXPECT_FALSE(Touches({kOther, {Line("", "cpam", "", "", none)}}, Share()));
  EXPECT_FALSE(Touches({kConsent, {Line("", "cpam", "", "", none)}}, Share()));
}

TEST(HerNo, LinesThatDoNot) {
  const auto none = common::v1::ACT_UNSPECIFIED;
  std::vector<ConsentLine> lines = {Line("ENERGY_AID", "", "", "", none), Line("", "cpam", "", "", none),
                                    Line("", "", "HOSPITAL", "", none), Line("", "", "", "IDENTITY", none),
                                    Line("", "", "", "", common::v1::ACT_TRANSMIT)};
  for (const ConsentLine& line : lines) {
    EXPECT_FALSE(Ends({"", {line}}, Share())) << line.ShortDebugString();
  }
  EXPECT_FALSE(Ends({"", lines}, Share()));
  lines.push_back(Line("", "caf", "", "", none));
  EXPECT_TRUE(Ends({"", lines}, Share())) << "any one is enough";
}

TEST(HerNo, WhatIsNotKnownEnds) {
  Covered share = Share();
  share.kind.clear();
  EXPECT_TRUE(Ends({"", {Line("", "", "HOSPITAL", "", common::v1::ACT_UNSPECIFIED)}}, share));
  share.categories.clear();
  EXPECT_TRUE(Ends({"", {Line("", "", "", "IDENTITY", common::v1::ACT_UNSPECIFIED)}}, share));
  share.consent_id.clear();
  EXPECT_TRUE(Ends({kOther, {}}, share)) << "it may be that one";
}

}  // namespace
}  // namespace relais::vault
