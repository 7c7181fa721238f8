#include "services/consent/handlers/status_handlers.h"

#include <gtest/gtest.h>

#include "relais/consent/v1/person_events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::SimWorld;

v1::UpdateStatusRequest StatusOf(const common::v1::PersonRef& person, const std::string& request_id,
                                 v1::StatusChange change) {
  v1::UpdateStatusRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_change(change);
  return request;
}

v1::UpdateStatusRequest WithDay(v1::UpdateStatusRequest request, int year, int month, int day) {
  request.mutable_day()->set_year(year);
  request.mutable_day()->set_month(month);
  request.mutable_day()->set_day(day);
  return request;
}

absl::StatusOr<v1::UpdateStatusResponse> Update(SimWorld& world, const v1::UpdateStatusRequest& request,
                                                const std::string& institution = "ville-paris") {
  return world.Run(world.service().statuses().UpdateStatus(world.As(institution), request));
}

v1::PersonStatus SeenBy(SimWorld& world, const rpc::Call& call, const common::v1::PersonRef& person,
                        const std::string& acting = "") {
  v1::ResolveRequest request;
  *request.mutable_person() = person;
  if (!acting.empty()) {
    *request.mutable_acting() = SimWorld::Acting(acting);
  }
  const auto found = world.Run(world.service().persons().Resolve(call, request));
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() ? found->status() : v1::PersonStatus();
}

TEST(UpdateStatus, EachInstitutionSeesItsOwnWordAndServicesAll) {  // D-5.6
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const common::v1::PersonRef at_caf = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  const auto updated = Update(world, StatusOf(at_caf, "s1", v1::STATUS_CHANGE_DO_NOT_GROUP), "caf");
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_FALSE(SeenBy(world, world.As("ville-paris"), person).do_not_group()) << "not told who said it";
  const common::v1::PersonRef raw = world.RawRef(world.IdOf(person));
  EXPECT_TRUE(SeenBy(world, world.AsService("routing"), raw, "ville-paris").do_not_group());
  // The Ville cannot take CAF's word back.
  ASSERT_TRUE(Update(world, StatusOf(person, "s2", v1::STATUS_CHANGE_MAY_GROUP)).ok());
  EXPECT_TRUE(SeenBy(world, world.AsService("routing"), raw, "ville-paris").do_not_group());
  v1::StatusUpdated said;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.details.payload().UnpackTo(&said) && said.institution() == "ville-paris") {
      EXPECT_FALSE(said.do_not_group()) << "its own leaf does not tell it what another said";
    }
  }
  EXPECT_EQ(said.institution(), "ville-paris");
  ASSERT_TRUE(Update(world, StatusOf(at_caf, "s3", v1::STATUS_CHANGE_MAY_GROUP), "caf").ok());
  EXPECT_FALSE(SeenBy(world, world.AsService("routing"), raw, "ville-paris").do_not_group());
}

TEST(UpdateStatus, TellsFollowersAndDecidesNothing) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  ASSERT_TRUE(Update(world, WithDay(StatusOf(person, "s1", v1::STATUS_CHANGE_DECEASED), 2026, 11, 1)).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), common::v1::DECISION_PERMIT);
  EXPECT_EQ(SeenBy(world, world.As("ville-paris"), person).deceased_on().day(), 1);
  v1::StatusUpdated said;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.leaf.header.event_class() == audit::v1::EVENT_CLASS_STATUS_UPDATED) {
      EXPECT_TRUE(leaf.details.payload().UnpackTo(&said));
      EXPECT_EQ(leaf.details.subject().id(), world.IdOf(person).ToBytes());
    }
  }
  EXPECT_EQ(said.change(), v1::STATUS_CHANGE_DECEASED);
  EXPECT_EQ(said.day().year(), 2026);
  for (const char* peer : {"routing", "alerting"}) {
    EXPECT_TRUE(OpenedToPeers().at(peer).contains(audit::v1::EVENT_CLASS_STATUS_UPDATED));
  }
}

TEST(UpdateStatus, OnceARequestAndRefusesWhatItShould) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto moved = WithDay(StatusOf(person, "s1", v1::STATUS_CHANGE_MOVED), 2026, 11, 2);
  const auto first = Update(world, moved);
  ASSERT_TRUE(first.ok());
  const auto again = Update(world, moved);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_STATUS_UPDATED), 1u);
  const auto refused = [&](const v1::UpdateStatusRequest& request) {
    return rpc::ReasonOf(Update(world, request).status()) == common::v1::ERROR_REASON_INVALID_FIELDS;
  };
  EXPECT_TRUE(refused(StatusOf(person, "s2", v1::STATUS_CHANGE_MOVED))) << "no day";
  EXPECT_TRUE(refused(WithDay(StatusOf(person, "s2", v1::STATUS_CHANGE_MOVED), 2026, 11, 31)));
  EXPECT_TRUE(refused(WithDay(StatusOf(person, "s2", v1::STATUS_CHANGE_DECEASED), 2027, 1, 1)));
  EXPECT_TRUE(refused(WithDay(StatusOf(person, "s2", v1::STATUS_CHANGE_DO_NOT_GROUP), 2026, 1, 1)));
  EXPECT_TRUE(refused(StatusOf(person, "s2", v1::STATUS_CHANGE_UNSPECIFIED)));
  const common::v1::PersonRef nobody = rpc::HandleFor(world.context(), "ville-paris", Id128());
  EXPECT_EQ(Update(world, StatusOf(nobody, "s3", v1::STATUS_CHANGE_MAY_GROUP)).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace relais::consent
