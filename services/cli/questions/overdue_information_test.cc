#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Teller;

uint64_t Cut(Teller& teller, uint8_t person, common::v1::Ground ground = common::v1::GROUND_ART6) {
  return teller.Permit(
      person, 0, [&](SeenLeaf& leaf) { leaf.header.set_ground(ground); },
      [](consent::v1::CheckDecided& check) {
        check.mutable_sender()->set_institution("edf");
        check.mutable_recipient()->set_institution("ville-paris");
      });
}

uint64_t Tells(Teller& teller, uint8_t person, const std::string& institution = "ville-paris") {
  consent::v1::InformationRecorded told;
  told.set_occasion(consent::v1::INFORMATION_OCCASION_FIRST_CONTACT);
  return teller.Tell("consent", audit::v1::EVENT_CLASS_INFORMATION_RECORDED, told, [&](SeenLeaf& leaf) {
    Teller::SetPerson(leaf, person);
    leaf.header.set_institution(institution);
  });
}

TEST(OverdueInformation, AfterAMonthOncePerPersonAndRecipient) {
  Teller teller(MakeOverdueInformation({}));
  const uint64_t first = Cut(teller, 1);
  Cut(teller, 1);
  teller.Pass(absl::Hours(24 * 20));
  Cut(teller, 2);
  teller.Pass(absl::Hours(24 * 12));
  EXPECT_THAT(teller.Codes(), ElementsAre("OVERDUE " + std::to_string(first)));
}

TEST(OverdueInformation, ToldInTimeByWhoOwesItIsSettledForGood) {
  Teller teller(MakeOverdueInformation({}));
  Cut(teller, 1);
  Tells(teller, 1);
  Cut(teller, 1);
  const uint64_t other = Cut(teller, 2);
  Tells(teller, 2, "caf");
  teller.Pass(absl::Hours(24 * 40));
  const uint64_t late = Tells(teller, 2);
  EXPECT_THAT(teller.Codes(), ElementsAre("LATE " + std::to_string(other) + " " + std::to_string(late)));
}

// D-2.7: data on offences come from somebody else, too.
TEST(OverdueInformation, APlannedExitIsToldToHer) {
  Teller teller(MakeOverdueInformation({}));
  const uint64_t told = Cut(teller, 1, common::v1::GROUND_AUTHORISED_EXIT);
  teller.Pass(absl::Hours(24 * 40));
  EXPECT_THAT(teller.Codes(), ElementsAre("OVERDUE " + std::to_string(told)));
}

// Of a child in danger the parents and the child are told first, not she within a month (D-2.3).
TEST(OverdueInformation, OnHerAgreementAndForChildProtectionNothingIsOwed) {
  Teller teller(MakeOverdueInformation({}));
  Cut(teller, 1, common::v1::GROUND_AGREEMENT);
  Cut(teller, 2, common::v1::GROUND_INFO_PREOCCUPANTE);
  Cut(teller, 3, common::v1::GROUND_CASF_226_2_2);
  teller.Pass(absl::Hours(24 * 40));
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
