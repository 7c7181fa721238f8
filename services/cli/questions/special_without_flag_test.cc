#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Line;
using testing::Teller;

class SpecialWithoutFlagTest : public ::testing::Test {
 protected:
  consent::v1::Consent ToHealth(uint8_t id, bool given) {
    consent::v1::Consent consent = teller.AgreementTo(Line("CARE", "HEALTH", "caf"), id);
    consent.set_explicit_(given);
    return consent;
  }
  static void AskHealth(SeenLeaf& leaf) { leaf.header.set_categories(0, "HEALTH"); }
  Teller teller{MakeSpecialWithoutFlag({})};
};

TEST_F(SpecialWithoutFlagTest, AgreedWithoutTheFlagAndPermittedOnIt) {
  teller.Agrees(1, ToHealth(7, false));
  teller.Permit(1, 7, AskHealth);
  EXPECT_THAT(teller.Codes(), ElementsAre("AGREED 0", "PERMITTED 1 0"));
}

TEST_F(SpecialWithoutFlagTest, WithTheFlagOrOfNoSpecialCategory) {
  teller.Agrees(1, ToHealth(7, true));
  teller.Permit(1, 7, AskHealth);
  teller.Agrees(1, Line("RIGHTS_OPENING", "IDENTITY", "caf"), 8);
  teller.Permit(1, 8);
  teller.Permit(1, 0, [](SeenLeaf& leaf) {  // a vital interest needs none (art. 9.2.c)
    AskHealth(leaf);
    leaf.header.set_ground(common::v1::GROUND_EMERGENCY);
  });
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

TEST_F(SpecialWithoutFlagTest, ByTheDirectoryInForceAtTheAct) {
  consent::v1::ConsentRecorded payload;
  *payload.mutable_consent() = ToHealth(7, false);
  teller.Tell("consent", audit::v1::EVENT_CLASS_CONSENT_RECORDED, payload, [](SeenLeaf& leaf) {
    Teller::SetPerson(leaf, 1);
    leaf.header.set_directory_version(99);
  });
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
