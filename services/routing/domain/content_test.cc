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

TEST(CategoriesIn, RemindersAreOfPapers) {
  v1::Content content;
  content.mutable_expiring_paper();
  EXPECT_THAT(CategoriesIn(content), ElementsAre("DOCUMENTS"));
  EXPECT_TRUE(GoesOnHerAgreementAlone(content));
  EXPECT_FALSE(StaysWithWhoActsForHer(content)) << "her référent may be told";
  content.mutable_asked_papers();
  EXPECT_THAT(CategoriesIn(content), ElementsAre("DOCUMENTS"));
  EXPECT_TRUE(GoesOnHerAgreementAlone(content));
  EXPECT_TRUE(StaysWithWhoActsForHer(content));
  content.mutable_note();
  EXPECT_FALSE(GoesOnHerAgreementAlone(content));
  EXPECT_FALSE(StaysWithWhoActsForHer(content));
}

TEST(CategoriesIn, ANotesWordsAreItsAuthorsToJudge) {
  v1::Content content;
  content.mutable_note()->set_text("a word");
  EXPECT_THAT(CategoriesIn(content), IsEmpty());
  content.mutable_settlement();
  EXPECT_THAT(CategoriesIn(content), ElementsAre("ENERGY_DEBT"));
}

TEST(CategoriesIn, ReadsEveryFieldOfAReport) {
  v1::Content content;
  content.mutable_distress_report()->set_alias("Dédé");
  EXPECT_THAT(CategoriesIn(content), UnorderedElementsAre("SOCIAL_SITUATION", "IDENTITY"));
  content.mutable_distress_report()->clear_alias();
  content.mutable_distress_report()->set_pregnant(1);
  EXPECT_THAT(CategoriesIn(content), UnorderedElementsAre("SOCIAL_SITUATION", "FAMILY"));
}

// D-2.7: a field that comes later is more than a recipient may see.
TEST(PlannedExit, SaysTheDayAndNothingElse) {
  ASSERT_EQ(v1::PlannedExit::descriptor()->field_count(), 1);
  EXPECT_EQ(v1::PlannedExit::descriptor()->field(0)->name(), "leaving_on");
  v1::Content content;
  content.mutable_planned_exit();
  EXPECT_THAT(CategoriesIn(content), ElementsAre("OFFENCE"));
}

// Every field of every content, filled by reflection: texts, days, instants, numbers and flags that are no
// codes.
void Fill(google::protobuf::Message& message) {
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
      field->is_repeated() ? reflection->AddString(&message, field, "PERSONAL")
                           : reflection->SetString(&message, field, "PERSONAL");
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT32) {
      reflection->SetUInt32(&message, field, 7);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_INT32) {
      reflection->SetInt32(&message, field, 7);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_INT64) {
      reflection->SetInt64(&message, field, 7);
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) {
      Fill(*reflection->MutableMessage(&message, field));
    }
  }
}

std::vector<std::string> SetFields(const google::protobuf::Message& message) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  std::vector<std::string> names;
  for (const auto* field : fields) {
    names.push_back(field->name());
  }
  return names;
}

// A field that comes later is left out until somebody says here that it tells of nobody.
TEST(LeaveCodesAlone, LeavesTheseFieldsAndNoOther) {
  const auto directory = directory::testing::SampleDirectory();
  v1::Content content;
  Fill(*content.mutable_distress_report());
  content.mutable_distress_report()->add_signs("ISOLATION");
  LeaveCodesAlone(*directory, content);
  EXPECT_THAT(SetFields(content.distress_report()),
              UnorderedElementsAre("place_kind", "postal_code", "signs", "danger", "informed", "agreement"));
  EXPECT_THAT(content.distress_report().signs(),
              ElementsAre("ISOLATION"));  // no code that the directory lacks
  Fill(*content.mutable_unpaid_bill());
  LeaveCodesAlone(*directory, content);
  EXPECT_THAT(SetFields(content.unpaid_bill()), UnorderedElementsAre("event", "event_day", "fluid"));
  Fill(*content.mutable_note());
  LeaveCodesAlone(*directory, content);
  EXPECT_TRUE(content.has_note());
  EXPECT_THAT(SetFields(content.note()), IsEmpty());
  Fill(*content.mutable_planned_exit());
  LeaveCodesAlone(*directory, content);
  EXPECT_THAT(SetFields(content.planned_exit()), ElementsAre("leaving_on"));
  Fill(*content.mutable_referent_proposal());
  LeaveCodesAlone(*directory, content);
  EXPECT_EQ(content.content_case(), v1::Content::CONTENT_NOT_SET);
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
