#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/cli/questions/overdue.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using testing::IdOf;
using ::testing::IsEmpty;
using testing::Teller;

uint64_t Declare(Teller& teller, uint8_t id, bool exercise = false) {
  consent::v1::EmergencyDeclared declared;
  declared.set_emergency_id(IdOf(id).ToHex());
  return teller.Tell("consent", audit::v1::EVENT_CLASS_EMERGENCY_DECLARED, declared, [=](SeenLeaf& leaf) {
    Teller::SetPerson(leaf, 1);
    leaf.header.set_exercise(exercise);
  });
}

TEST(OverdueEmergencyReviews, After72Hours) {
  Teller teller(MakeOverdueEmergencyReviews({}));
  Declare(teller, 1);
  teller.Pass(absl::Hours(70));
  Declare(teller, 2);
  teller.Pass(absl::Hours(2));
  const std::vector<Finding> found = teller.Found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].what, "OVERDUE");
  EXPECT_EQ(found[0].facts.at("emergency"), IdOf(1).ToHex());
}

TEST(OverdueEmergencyReviews, NotBeforeAndNotOfAnExercise) {
  Teller teller(MakeOverdueEmergencyReviews({}));
  Declare(teller, 1, true);
  teller.Pass(absl::Hours(72));
  Declare(teller, 2);
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

uint64_t Review(Teller& teller, uint8_t id) {
  consent::v1::EmergencyReviewed reviewed;
  reviewed.set_emergency_id(IdOf(id).ToHex());
  reviewed.set_outcome(consent::v1::REVIEW_OUTCOME_JUSTIFIED);
  return teller.Tell("consent", audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED, reviewed, Teller::Of(1));
}

TEST(OverdueEmergencyReviews, AReviewInTimeSettlesItALateOneIsSaid) {
  Teller teller(MakeOverdueEmergencyReviews({}));
  const uint64_t in_time = Declare(teller, 1);
  const uint64_t late = Declare(teller, 2);
  EXPECT_NE(in_time, late);
  teller.Pass(absl::Hours(70));
  Review(teller, 1);
  teller.Pass(absl::Hours(10));
  const uint64_t review = Review(teller, 2);
  EXPECT_THAT(teller.Codes(), ElementsAre("LATE " + std::to_string(late) + " " + std::to_string(review)));
}

// What a review does to it.
TEST(OpenMatters, AreClosedInTimeLateOrNotAtAll) {
  OpenMatters matters;
  const absl::Time start = Teller::Start();
  for (uint8_t id = 1; id <= 4; ++id) {
    Finding matter;
    matter.leaves = {id};
    matters.Open(IdOf(id), matter, start + absl::Hours(1));
  }
  matters.Close(IdOf(1), 10, start + absl::Minutes(59));
  matters.Close(IdOf(2), 11, start + absl::Hours(2));
  matters.Close(IdOf(9), 12, start);
  const std::vector<Finding> found = matters.Finish(start + absl::Hours(3));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].what, "LATE");
  EXPECT_THAT(found[0].leaves, ElementsAre(2, 11));
  EXPECT_EQ(found[1].what, "OVERDUE");
  EXPECT_EQ(found[2].what, "OVERDUE");
  EXPECT_EQ(found[2].facts.at("due"), "2026-09-21T15:13:20Z");
}

}  // namespace
}  // namespace relais::cli::questions
