#include "services/routing/domain/content.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/testing/sample.h"

namespace relais::routing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(CategoriesIn, ABillSaysThatThereIsADebt) {
  v1::Content content;
  content.mutable_unpaid_bill()->set_event("COUPURE");
  EXPECT_THAT(CategoriesIn(content), ElementsAre("ENERGY_DEBT"));
  content.mutable_unpaid_bill()->set_first_names("Marie");
  content.mutable_unpaid_bill()->set_town("Paris");
  EXPECT_THAT(CategoriesIn(content), UnorderedElementsAre("ENERGY_DEBT", "IDENTITY", "ADDRESS"));
}

TEST(CategoriesIn, AReportHoldsWhatIsFilled) {
  v1::Content content;
  v1::DistressReport& report = *content.mutable_distress_report();
  report.set_facts("seule");
  EXPECT_THAT(CategoriesIn(content), ElementsAre("SOCIAL_SITUATION"));
  report.mutable_birth_date()->set_year(1950);
  report.set_phone("0612345678");
  report.set_place("12 rue X");
  report.add_signs("ISOLATION");
  report.set_minors(1);
  EXPECT_THAT(CategoriesIn(content),
              UnorderedElementsAre("SOCIAL_SITUATION", "IDENTITY", "CONTACT", "ADDRESS", "SIGNS", "FAMILY"));
}

TEST(CategoriesIn, ANotesWordsAreItsAuthorsToJudge) {
  v1::Content content;
  content.mutable_note()->set_text("a word");
  EXPECT_THAT(CategoriesIn(content), IsEmpty());
  content.mutable_settlement();
  EXPECT_THAT(CategoriesIn(content), ElementsAre("ENERGY_DEBT"));
}

TEST(WithholdSpecialSigns, LeavesTheOthers) {
  const auto directory = directory::testing::SampleDirectory();
  v1::Content content;
  for (const char* sign : {"SERIOUS_ILLNESS", "RENT_ARREARS", "GONE_FROM_THE_LIST"}) {
    content.mutable_distress_report()->add_signs(sign);
  }
  EXPECT_TRUE(WithholdSpecialSigns(*directory, content));
  EXPECT_THAT(content.distress_report().signs(), ElementsAre("RENT_ARREARS"));
  EXPECT_FALSE(WithholdSpecialSigns(*directory, content));
}

}  // namespace
}  // namespace relais::routing
