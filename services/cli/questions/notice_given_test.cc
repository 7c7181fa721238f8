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

TEST(NoticeGiven, ExactlyThatAgreements) {
  Options options;
  options.agreement = IdOf(7).ToHex();
  Teller teller(MakeNoticeGiven(options));
  const consent::v1::ConsentLine line = Line("RIGHTS_OPENING", "IDENTITY", "caf");
  consent::v1::Consent consent = teller.AgreementTo(line, 7);
  consent.mutable_notice()->set_language("ar");
  consent.mutable_notice()->set_sha256(std::string(32, '\x0f'));
  consent.add_aids(consent::v1::AID_INTERPRETER);
  teller.Agrees(1, line, 6);
  teller.Agrees(1, consent);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].facts.at("id"), "accord-general");
  EXPECT_EQ(found[0].facts.at("version"), "3");
  EXPECT_EQ(found[0].facts.at("language"), "ar");
  EXPECT_EQ(found[0].facts.at("aids"), "AID_INTERPRETER");
  EXPECT_EQ(found[0].facts.at("sha256").substr(0, 4), "0f0f");
  EXPECT_THAT(found[0].leaves, ElementsAre(1));
}

TEST(NoticeGiven, NobodyElses) {
  Options options;
  options.agreement = IdOf(9).ToHex();
  Teller teller(MakeNoticeGiven(options));
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "caf"), 7);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
