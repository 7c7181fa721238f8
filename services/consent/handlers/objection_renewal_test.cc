// D-1.6, D-2.10: what is kept of an objection is kept three years, and as long again each time it is said
// again.
#include <gtest/gtest.h>

#include <string>

#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using testing::SimWorld;

constexpr absl::Duration kDay = absl::Hours(24);

// Ten in the morning, UTC, as testing::StoryStart is.
int64_t TenOn(int year, int month, int day) {
  return absl::ToUnixSeconds(absl::FromCivil(absl::CivilHour(year, month, day, 10), absl::UTCTimeZone()));
}

class ObjectionRenewal : public ::testing::Test {
 protected:
  // Else nothing is permitted by its rules after 2027, whoever objected.
  ObjectionRenewal() {
    world_.UseDirectory(testing::SampleDirectoryWith("2027-12-31T22:59:59Z", "2037-12-31T22:59:59Z"));
  }
  // Until when it is kept.
  int64_t Object(const std::string& request_id) {
    const auto response = world_.Object(SimWorld::ObjectionOf(request_id, {"edf"}));
    SimWorld::Require(response.status());
    return response->kept_until().seconds();
  }
  // To the same hour, that many days after the story's start.
  void RunToDay(int day) {
    world_.harness().sim().RunFor(testing::StoryStart() + kDay * day - world_.log().Now());
  }
  void Sweep() {
    for (int i = 0; i < 4; ++i) {
      SimWorld::Require(world_.Run(world_.maintenance().RunOnce()));
    }
  }
  // About somebody who is registered only now: by what is kept of the objection alone.
  common::v1::Decision OfMarieRegisteredNow(const std::string& own_identifier) {
    return world_.Decision(SimWorld::CutFor(world_.NewPerson(own_identifier, SimWorld::Marie())));
  }

  SimWorld world_;
};

TEST_F(ObjectionRenewal, SaidAgainBeforeItsEndItIsKeptThreeYearsFromThen) {
  EXPECT_EQ(Object("o-1"), TenOn(2029, 11, 3));
  RunToDay(700);
  EXPECT_EQ(Object("o-2"), TenOn(2031, 10, 3));

  RunToDay(1098);  // 5 November 2029
  Sweep();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_PURGED), 0U);
  EXPECT_EQ(OfMarieRegisteredNow("case-1"), DECISION_DENY);
  v1::Traits neighbour = SimWorld::Marie();
  neighbour.set_surname("Martin");
  EXPECT_EQ(world_.Decision(SimWorld::CutFor(world_.NewPerson("case-2", neighbour))), DECISION_PERMIT)
      << "nothing but her objection denies it";

  RunToDay(1797);  // 5 October 2031
  EXPECT_EQ(OfMarieRegisteredNow("case-3"), DECISION_PERMIT) << "over, also where nothing was swept";
  Sweep();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_PURGED), 1U);
  EXPECT_EQ(OfMarieRegisteredNow("case-4"), DECISION_PERMIT);
}

// A late repetition is of the first time: it takes nothing of what was said since.
TEST_F(ObjectionRenewal, ARepetitionOfTheFirstShortensNothing) {
  const int64_t first = Object("o-1");
  RunToDay(30);
  EXPECT_GT(Object("o-2"), first);
  EXPECT_EQ(Object("o-1"), first);
  RunToDay(1098);
  Sweep();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_PURGED), 0U);
  EXPECT_EQ(OfMarieRegisteredNow("case-1"), DECISION_DENY);
}

// Said once, it goes at its end: what the others above are kept by is that it was said again.
TEST_F(ObjectionRenewal, SaidOnceItGoesAfterThreeYears) {
  EXPECT_EQ(Object("o-1"), TenOn(2029, 11, 3));
  RunToDay(1090);
  Sweep();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_PURGED), 0U);
  EXPECT_EQ(OfMarieRegisteredNow("case-1"), DECISION_DENY);
  RunToDay(1098);
  Sweep();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_PURGED), 1U);
  EXPECT_EQ(OfMarieRegisteredNow("case-2"), DECISION_PERMIT);
}

// Who was linked to the one that went, and had lifted it, takes the next one too.
TEST_F(ObjectionRenewal, AfterItWentALaterOneBindsAgain) {
  Object("o-1");
  RunToDay(1090);
  const common::v1::PersonRef marie = world_.NewPerson("case-1", SimWorld::Marie());
  ASSERT_EQ(world_.Decision(SimWorld::CutFor(marie)), DECISION_DENY);
  ASSERT_TRUE(world_.Lift("l-1", {"edf"}).ok());
  RunToDay(1098);
  Sweep();
  ASSERT_EQ(world_.Count(audit::v1::EVENT_CLASS_PURGED), 1U);
  ASSERT_EQ(world_.Decision(SimWorld::CutFor(marie)), DECISION_PERMIT);
  ASSERT_EQ(OfMarieRegisteredNow("case-2"), DECISION_PERMIT);
  Object("o-2");
  EXPECT_EQ(world_.Decision(SimWorld::CutFor(marie)), DECISION_DENY);
  EXPECT_EQ(OfMarieRegisteredNow("case-3"), DECISION_DENY);
}

}  // namespace
}  // namespace relais::consent
