#include "services/consent/handlers/emergency_handlers.h"

#include <gtest/gtest.h>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using testing::SimWorld;

v1::DeclareRequest Declaration(const common::v1::PersonRef& person) {
  v1::DeclareRequest request;
  request.set_request_id("e1");
  *request.mutable_person() = person;
  request.mutable_recipient()->set_institution("caf");
  request.add_categories("IDENTITY");
  request.set_facts("Inconsciente, seule au domicile.");
  request.set_person_unable(true);
  request.set_danger_serious(true);
  return request;
}

TEST(Declare, PermitsForItsHoursAndAsksForReview) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto declare = [&] {
    return world.Run(world.service().emergencies().Declare(world.As("ville-paris"), Declaration(person)));
  };
  const auto response = declare();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->expires().seconds() - response->written().time().seconds(), 72 * 3600);
  const auto check = world.Check(SimWorld::CheckFor(person));
  ASSERT_TRUE(check.ok());
  EXPECT_EQ(check->ground(), common::v1::GROUND_EMERGENCY);
  ASSERT_EQ(check->obligations_size(), 1);
  EXPECT_EQ(check->obligations(0), v1::OBLIGATION_INFORM_AND_REVIEW);
  world.harness().sim().RunFor(absl::Hours(71));
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  world.harness().sim().RunFor(absl::Hours(2));
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  const auto again = declare();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), response->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED), 1u);
}

TEST(Declare, RefusesWhatIsNoEmergency) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto fails = [&](const std::function<void(v1::DeclareRequest&)>& change) {
    v1::DeclareRequest request = Declaration(person);
    change(request);
    return world.Run(world.service().emergencies().Declare(world.As("ville-paris"), request))
               .status()
               .code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(fails([](auto& r) { r.set_person_unable(false); }));
  EXPECT_TRUE(fails([](auto& r) { r.set_danger_serious(false); }));
  EXPECT_TRUE(fails([](auto& r) { r.set_hours(73); }));
  EXPECT_TRUE(fails([](auto& r) { r.clear_categories(); }));
  EXPECT_TRUE(fails([](auto& r) { r.add_categories("NOPE"); }));
  EXPECT_TRUE(fails([](auto& r) { r.add_categories("OFFENCE"); }));
  EXPECT_TRUE(fails([](auto& r) { r.mutable_recipient()->set_institution("nope"); }));
  EXPECT_TRUE(fails([](auto& r) { r.mutable_recipient()->set_function("nope"); }));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_EMERGENCY_DECLARED), 0u);
}

}  // namespace
}  // namespace relais::consent
