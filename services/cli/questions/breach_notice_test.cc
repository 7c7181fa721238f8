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

TEST(BreachNotice, WhomAnInstitutionTouchedAndWithWhom) {
  Options options;
  options.institution = "caf";
  Teller teller(MakeBreachNotice(options));
  teller.Permit(2, 0);
  teller.Permit(1, 0);
  teller.Permit(1, 0);
  teller.Permit(3, 0, [](SeenLeaf& leaf) { leaf.in_period = false; });
  teller.Agrees(4, Line("RIGHTS_OPENING", "IDENTITY", "caf"), 7);  // of ville-paris, to nobody yet
  const auto at_caf = [](uint8_t person) {
    return [person](SeenLeaf& leaf) {
      Teller::SetPerson(leaf, person);
      leaf.header.set_institution("caf");
    };
  };
  teller.Tell("consent", audit::v1::EVENT_CLASS_PERSON_REGISTERED, consent::v1::PersonRegistered(),
              at_caf(5));
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].recipient, "caf");
  EXPECT_THAT(found[0].persons, ElementsAre(IdOf(5)));
  EXPECT_EQ(found[1].recipient, "ville-paris");
  EXPECT_THAT(found[1].persons, ElementsAre(IdOf(1), IdOf(2)));
  EXPECT_EQ(found[1].facts.at("leaves"), "3");
}

// The run shows only what the log found by the certificate.
TEST(BreachNotice, OfACertificateIsAllThatIsShown) {
  Options options;
  options.certificate = std::string(64, 'c');
  Teller teller(MakeBreachNotice(options));
  teller.Permit(1, 0);
  teller.Permit(2, 0, [](SeenLeaf& leaf) { leaf.details.clear_recipient(); });
  teller.Permit(3, 0, [](SeenLeaf& leaf) { leaf.in_period = false; });
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].institution, "ville-paris");
  EXPECT_EQ(found[0].recipient, "caf");
  EXPECT_THAT(found[0].persons, ElementsAre(IdOf(1)));
  EXPECT_EQ(found[1].recipient, "ville-paris");
  EXPECT_THAT(found[1].persons, ElementsAre(IdOf(2)));
}

TEST(BreachNotice, NobodyElses) {
  Options options;
  options.institution = "emmaus";
  Teller teller(MakeBreachNotice(options));
  teller.Permit(1, 0);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
