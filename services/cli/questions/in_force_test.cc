#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Teller;

Options AskedFor(uint64_t index) {
  Options options;
  options.leaf = {"consent", index};
  return options;
}

TEST(InForce, RuleProtocolPurposeAndFunction) {
  Teller teller(MakeInForce(AskedFor(1)));
  teller.Permit(1, 0);
  teller.Permit(
      1, 0,
      [](SeenLeaf& leaf) {
        leaf.header.set_purpose("ENERGY_AID");
        leaf.header.set_ground(common::v1::GROUND_CONVENTION);
      },
      [](consent::v1::CheckDecided& check) {
        check.mutable_sender()->set_institution("edf");
        check.set_reason(consent::v1::REASON_OPT_OUT_REGIME);
        check.set_signal_type("UNPAID_BILL");
        check.set_event("LETTRE_2");
      });
  teller.Permit(1, 0);
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].leaves, ElementsAre(1));
  EXPECT_EQ(found[0].facts.at("rule"), "REASON_OPT_OUT_REGIME");
  EXPECT_FALSE(found[0].facts.at("protocol").empty());
  EXPECT_THAT(found[0].facts.at("convention"), ::testing::HasSubstr("signed 20"));
  EXPECT_THAT(found[0].facts.at("purpose"), ::testing::StartsWith("ENERGY_AID: "));
  EXPECT_EQ(found[0].facts.at("directory_version"), "1");
  EXPECT_THAT(found[0].facts.at("function"), ::testing::StartsWith("assistant-social: "));
}

TEST(InForce, SaysWhenTheVersionIsNotToBeHadAndAnswersNoOtherLeaf) {
  Teller teller(MakeInForce(AskedFor(0)));
  teller.Permit(1, 0, [](SeenLeaf& leaf) { leaf.header.set_directory_version(99); });
  EXPECT_THAT(teller.Codes(), ElementsAre("DIRECTORY_NOT_TO_BE_HAD 0"));
  Teller other(MakeInForce(AskedFor(5)));
  other.Permit(1, 0);
  EXPECT_THAT(other.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
