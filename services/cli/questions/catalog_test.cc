#include "services/cli/questions/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace relais::cli::questions {
namespace {

using ::testing::IsEmpty;

TEST(Catalog, EveryQuestionIsDescribedInBothLanguages) {
  std::set<std::string> names;
  for (const auto& question : AllQuestions({})) {
    const Description& description = question->description();
    EXPECT_TRUE(names.insert(description.name).second) << description.name;
    EXPECT_FALSE(description.fr.empty() || description.en.empty() || description.services.empty())
        << description.name;
    EXPECT_THAT(question->Finish(absl::Now()), IsEmpty()) << description.name;
  }
  EXPECT_EQ(names.size(), 17u);
}

TEST(Catalog, ChoosesStandingOnesByDefaultAndEnquiriesByName) {
  const auto standing = ChooseQuestions({}, {});
  ASSERT_TRUE(standing.ok());
  EXPECT_EQ(standing->size(), 14u);
  Options options;
  options.institution = "caf";
  const auto named = ChooseQuestions({"breach-notice"}, options);
  ASSERT_TRUE(named.ok());
  ASSERT_EQ(named->size(), 1u);
  EXPECT_TRUE((*named)[0]->description().enquiry);
}

TEST(Catalog, ABreachIsOfAnInstitutionOrOfACertificate) {
  Options both;
  both.institution = "caf";
  both.certificate = std::string(64, 'c');
  EXPECT_FALSE(ChooseQuestions({"breach-notice"}, both).ok());
  both.institution.clear();
  EXPECT_TRUE(ChooseQuestions({"breach-notice"}, both).ok());
}

TEST(Catalog, RefusesTheUnknownAndWhatLacksItsObject) {
  for (const char* name : {"breach-notice", "in-force", "notice-given", "nothing"}) {
    EXPECT_EQ(ChooseQuestions({name}, {}).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace relais::cli::questions
