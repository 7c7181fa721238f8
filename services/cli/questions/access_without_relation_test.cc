#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/cli/questions/testing/teller.h"

namespace relais::cli::questions {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Teller;

class AccessWithoutRelationTest : public ::testing::Test {
 protected:
  static std::function<void(SeenLeaf&)> With(const std::string& relation) {
    return [relation](SeenLeaf& leaf) {
      Teller::SetPerson(leaf, 1);
      leaf.details.set_relation(relation);
    };
  }
  void Taken(const std::string& desk, const std::string& relation) {
    routing::v1::MessageTaken taken;
    taken.set_desk(desk);
    teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_TAKEN, taken, With(relation));
  }
  void Offered(const std::string& permit, const std::string& relation) {
    routing::v1::MessageOffered offered;
    offered.set_permit_id(permit);
    teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_OFFERED, offered, With(relation));
  }
  void Checked(const std::string& by, const std::string& relation) {
    teller.Permit(1, 0, [&](SeenLeaf& leaf) {
      leaf.header.set_institution(by);
      leaf.details.set_relation(relation);
    });
  }
  Teller teller{MakeAccessWithoutRelation({})};
};

TEST_F(AccessWithoutRelationTest, MessagesThatGoToSomebodyNeedOne) {
  Taken("dsol-75113", "NONE");
  Taken("dsol-75113", "");
  Offered("p:1", "NONE");
  routing::v1::MessageDelivered delivered;
  delivered.set_desk("dsol-75113");
  teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, delivered, With("SOMETHING"));
  EXPECT_THAT(teller.Codes(), ElementsAre("NONE 0", "ABSENT 1", "NONE 2", "NONE 3"));
}

TEST_F(AccessWithoutRelationTest, ADeskIsTheInstitutionsOwn) {
  Taken("caf-droits", "DESK");
  Taken("no-such-desk", "DESK");
  Taken("dsol-75113", "DESK");
  Taken("dsol-75113", "REFERENT");
  EXPECT_THAT(teller.Codes(), ElementsAre("ANOTHERS_DESK 0", "ANOTHERS_DESK 1"));
}

TEST_F(AccessWithoutRelationTest, ARecipientsOwnCheckIsALookASendersIsNot) {
  Checked("caf", "NONE");
  Checked("caf", "DESK");
  Checked("ville-paris", "NONE");
  Checked("service/routing", "NONE");
  EXPECT_THAT(teller.Codes(), ElementsAre("NONE 0"));
}

TEST_F(AccessWithoutRelationTest, WhatDisclosesNothingNeedsNone) {
  Offered("", "NONE");  // given back
  routing::v1::MessageSubmitted submitted;
  teller.Tell("routing", audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED, submitted, With("NONE"));
  teller.Permit(1, 0, [](SeenLeaf& leaf) {
    leaf.header.set_institution("caf");
    leaf.header.set_decision(common::v1::DECISION_DENY);
  });
  EXPECT_THAT(teller.Codes(), IsEmpty());
}

}  // namespace
}  // namespace relais::cli::questions
