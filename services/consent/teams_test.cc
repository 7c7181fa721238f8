// Step 4 of D-2.6 with what routing's log says: her référent and who proposed him are one team (ADR 56).
#include "services/consent/teams.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/audit/follower.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using routing::v1::Referent;
using testing::SimWorld;

constexpr char kOurs[] = "assistant-social";  // of ville-paris, who proposes
constexpr char kTheirs[] = "educateur";       // of emmaus, who is her référent

/// Ville-paris and siao each told her that they share her identity with emmaus and ville-paris.
class SameTeam : public ::testing::Test {
 protected:
  SameTeam() {
    world_.service().registry().teams_known = [this] { return lease_; };
    told_ = Tell("ville-paris", kOurs);
    Tell("siao", "travailleur-social");
  }

  /// The information's id.
  std::string Tell(const std::string& by, const std::string& function) {
    v1::RecordInformationRequest told;
    told.set_request_id("told-by-" + by);
    *told.mutable_person() = RefOf(by);
    told.set_occasion(v1::INFORMATION_OCCASION_BEFOREHAND);
    v1::ConsentLine* line = told.add_lines();
    line->add_purposes("SOCIAL_ASSESSMENT");
    line->add_categories("IDENTITY");
    line->add_recipients()->set_institution("emmaus");
    line->add_recipients()->set_institution("ville-paris");
    const auto informed =
        world_.Run(world_.service().duties().RecordInformation(world_.As(by, "dsol", function), told));
    SimWorld::Require(informed.status());
    return informed->information_id();
  }

  common::v1::PersonRef RefOf(const std::string& institution) const {
    return rpc::HandleFor(world_.context(), institution, world_.IdOf(person_));
  }

  /// Routing's log says so, by whom; it is followed twice.
  void Say(Referent::State state, const std::string& by = "ville-paris", const std::string& function = kOurs,
           const std::string& referent_id = std::string(32, 'e')) {
    routing::v1::ReferentChanged changed;
    changed.set_referent_id(referent_id);
    changed.set_state(state);
    changed.mutable_referent()->set_institution("emmaus");
    changed.mutable_referent()->set_function(kTheirs);
    audit::FollowedLeaf leaf;
    leaf.time = world_.log().Now();
    leaf.header.set_event_class(audit::v1::EVENT_CLASS_REFERENT_CHANGED);
    leaf.header.set_institution(by);
    leaf.opening = audit::v1::TailLeaf::OPENING_OPENED;
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(world_.IdOf(person_).ToBytes());
    leaf.details.set_acting_function(function);
    leaf.details.mutable_payload()->PackFrom(changed);
    EXPECT_TRUE(follower_.Concerns(leaf));
    SimWorld::Require(world_.Run(follower_.Apply(leaf, true)));
    SimWorld::Require(world_.Run(follower_.Apply(leaf, true)));
  }
  /// From the proposal to the acceptance.
  void Begins(const std::string& referent_id = std::string(32, 'e')) {
    Say(Referent::STATE_PROPOSED, "ville-paris", kOurs, referent_id);
    Say(Referent::STATE_AGREED, "ville-paris", kOurs, referent_id);
    Say(Referent::STATE_ACTIVE, "emmaus", kTheirs, referent_id);
  }

  v1::CheckResponse Ask(const std::string& sender, const std::string& sender_function,
                        const std::string& recipient, const std::string& recipient_function,
                        const std::function<void(v1::CheckRequest&)>& change = nullptr) {
    v1::CheckRequest check = SimWorld::CheckFor(RefOf(sender));
    check.mutable_sender()->set_institution(sender);
    check.mutable_sender()->set_function(sender_function);
    check.mutable_recipient()->set_institution(recipient);
    check.mutable_recipient()->set_function(recipient_function);
    check.set_purpose("SOCIAL_ASSESSMENT");
    if (change != nullptr) {
      change(check);
    }
    const auto response =
        world_.Run(world_.service().checks().Check(world_.As(sender, "dsol", sender_function), check));
    SimWorld::Require(response.status());
    return *response;
  }
  common::v1::Decision ToReferent() { return Ask("ville-paris", kOurs, "emmaus", kTheirs).decision(); }
  common::v1::Decision BackFromReferent() { return Ask("emmaus", kTheirs, "ville-paris", kOurs).decision(); }

  SimWorld world_;
  common::v1::PersonRef person_ = world_.NewPerson("case-1");
  RoutingLeaves follower_{world_.service().registry()};
  bool lease_ = true;
  std::string told_;  // by ville-paris
};

TEST_F(SameTeam, PermitsBetweenHerReferentAndWhoProposedHimEitherWay) {
  EXPECT_EQ(ToReferent(), DECISION_DENY);
  Say(Referent::STATE_PROPOSED);
  EXPECT_EQ(ToReferent(), DECISION_DENY) << "she and he have not said yes";
  Say(Referent::STATE_AGREED);
  EXPECT_EQ(ToReferent(), DECISION_DENY) << "he has not accepted";
  Say(Referent::STATE_ACTIVE, "emmaus", kTheirs);
  EXPECT_EQ(ToReferent(), DECISION_PERMIT);
  EXPECT_EQ(BackFromReferent(), DECISION_PERMIT);
  Say(Referent::STATE_ENDED, "emmaus", kTheirs);
  EXPECT_EQ(ToReferent(), DECISION_DENY);
  EXPECT_EQ(BackFromReferent(), DECISION_DENY);
}

TEST_F(SameTeam, SaysWhatItRestsOnAndWhatComesWithIt) {
  Begins();
  const v1::CheckResponse permitted =
      Ask("emmaus", kTheirs, "ville-paris", kOurs, [](auto& check) { check.set_dry_run(false); });
  EXPECT_EQ(permitted.ground(), common::v1::GROUND_TEAM);
  ASSERT_EQ(permitted.obligations_size(), 1);
  EXPECT_EQ(permitted.obligations(0), v1::OBLIGATION_STRICTLY_NECESSARY);
  v1::CheckDecided decided;
  ASSERT_TRUE(world_.Leaves().back().details.payload().UnpackTo(&decided));
  EXPECT_EQ(decided.consent_id(), told_);
}

// A mission that an institution claims for itself is none, though it told her: nor is another function's.
TEST_F(SameTeam, NobodysOwnWordIsAMission) {
  Begins();
  EXPECT_EQ(Ask("siao", "travailleur-social", "emmaus", kTheirs).decision(), DECISION_DENY);
  EXPECT_EQ(Ask("emmaus", kTheirs, "siao", "travailleur-social").decision(), DECISION_DENY);
  EXPECT_EQ(Ask("ville-paris", "travailleur-social", "emmaus", kTheirs).decision(), DECISION_DENY);
  EXPECT_EQ(Ask("ville-paris", kOurs, "emmaus", "maraudeur").decision(), DECISION_DENY);
  EXPECT_EQ(ToReferent(), DECISION_PERMIT);
}

// Somebody in another function cannot have it by naming this one.
TEST_F(SameTeam, TheSenderSpeaksInTheFunctionOfWhoAsks) {
  Begins();
  v1::CheckRequest check = SimWorld::CheckFor(person_);
  check.mutable_sender()->set_function(kOurs);
  check.mutable_recipient()->set_institution("emmaus");
  check.mutable_recipient()->set_function(kTheirs);
  check.set_purpose("SOCIAL_ASSESSMENT");
  const auto as = [&](const std::string& function) {
    return world_.Run(world_.service().checks().Check(world_.As("ville-paris", "dsol", function), check));
  };
  EXPECT_EQ(as(kOurs)->decision(), DECISION_PERMIT);
  EXPECT_EQ(rpc::ReasonOf(as("agent-accueil").status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  check.mutable_sender()->clear_function();
  EXPECT_EQ(as("agent-accueil")->decision(), DECISION_DENY);
}

TEST_F(SameTeam, IsSkippedWithoutALeaseOnRoutingsLog) {
  Begins();
  lease_ = false;
  EXPECT_EQ(ToReferent(), DECISION_DENY);
  lease_ = true;
  EXPECT_EQ(ToReferent(), DECISION_PERMIT);
}

TEST_F(SameTeam, IsSkippedWhereTheProposalWasNotSeen) {
  Say(Referent::STATE_ACTIVE, "emmaus", kTheirs);
  EXPECT_EQ(ToReferent(), DECISION_DENY);
  EXPECT_EQ(BackFromReferent(), DECISION_DENY);
}

// Routing has no cases yet: the answer is the same as without one, permitted or not.
TEST_F(SameTeam, ACaseIsAnsweredAsIfItHadNoTeam) {
  const auto in_case = [](v1::CheckRequest& check) { check.set_case_id(std::string(32, 'c')); };
  EXPECT_EQ(Ask("ville-paris", kOurs, "emmaus", kTheirs, in_case).decision(), DECISION_DENY);
  Begins();
  EXPECT_EQ(Ask("siao", "travailleur-social", "emmaus", kTheirs, in_case).decision(), DECISION_DENY);
  EXPECT_EQ(Ask("ville-paris", kOurs, "emmaus", kTheirs, in_case).decision(), DECISION_PERMIT);
}

// A leaf may be followed again after all that came later.
TEST_F(SameTeam, WhatIsFollowedAgainChangesNothing) {
  Begins();
  Begins();
  EXPECT_EQ(ToReferent(), DECISION_PERMIT);
  Say(Referent::STATE_ENDED);
  Begins();
  EXPECT_EQ(ToReferent(), DECISION_DENY);
}

TEST_F(SameTeam, ProposalsThatComeToNothingAreNotKeptAndPushNobodyOut) {
  Begins();
  for (int i = 0; i < 150; ++i) {
    const std::string id = absl::StrFormat("%032d", i);
    Say(Referent::STATE_PROPOSED, "siao", "travailleur-social", id);
    if (i % 3 == 0) {
      Say(Referent::STATE_REFUSED, "siao", "travailleur-social", id);
    }
  }
  EXPECT_EQ(ToReferent(), DECISION_PERMIT);
  const Id128 id = world_.IdOf(person_);
  const std::string key(kTeamKey);
  const auto entry = world_.context().store.Get(PersonPartition(id), key);
  ASSERT_TRUE(entry.ok() && entry->has_value());
  v1::StoredTeam stored;
  SimWorld::Require(world_.service().registry().store.Open(id, key, (*entry)->value, stored));
  EXPECT_EQ(stored.missions_size(), 100);
  for (const v1::StoredMission& mission : stored.missions()) {
    EXPECT_EQ(mission.until(), 0);
  }
}

TEST_F(SameTeam, NothingIsKeptOfSomebodyWhoIsNotHere) {
  const Id128 nobody = world_.harness().random().Id();
  audit::FollowedLeaf leaf;
  leaf.time = world_.log().Now();
  leaf.header.set_event_class(audit::v1::EVENT_CLASS_REFERENT_CHANGED);
  leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
  leaf.details.mutable_subject()->set_id(nobody.ToBytes());
  routing::v1::ReferentChanged changed;
  changed.set_referent_id(std::string(32, 'e'));
  changed.set_state(Referent::STATE_ACTIVE);
  leaf.details.mutable_payload()->PackFrom(changed);
  EXPECT_TRUE(world_.Run(follower_.Apply(leaf, true)).ok());
  EXPECT_TRUE(world_.context().store.Scan(PersonPartition(nobody), "", "", 10)->entries.empty());
}

// What went to protect a child her history withholds, on an agreement too: it is counted for nobody who takes
// something back (GetWithdrawalStatus counts what has the ground AGREEMENT).
TEST_F(SameTeam, NoGroundIsKeptOfWhatWentToProtectAChild) {
  const auto say = [&](audit::v1::EventClass event_class, const google::protobuf::Message& payload,
                       const std::string& purpose) {
    audit::FollowedLeaf leaf;
    leaf.time = world_.log().Now();
    leaf.opening = audit::v1::TailLeaf::OPENING_OPENED;
    leaf.header.set_event_class(event_class);
    leaf.header.set_ground(common::v1::GROUND_AGREEMENT);
    leaf.header.set_purpose(purpose);
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(world_.IdOf(person_).ToBytes());
    leaf.details.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(payload);
    SimWorld::Require(world_.Run(follower_.Apply(leaf, true)));
  };
  for (const auto& [id, purpose] : {std::pair('1', "CHILD_PROTECTION"), std::pair('2', "RIGHTS_OPENING")}) {
    routing::v1::MessageDelivered delivered;
    delivered.set_message_id(std::string(32, id));
    say(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, delivered, purpose);
    routing::v1::MessageWithdrawn withdrawn;
    withdrawn.set_message_id(std::string(32, id));
    say(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN, withdrawn, purpose);
  }
  const auto sent = ReadDeliveries(world_.service().registry(), world_.IdOf(person_), "caf");
  ASSERT_TRUE(sent.ok()) << sent.status();
  ASSERT_EQ(sent->deliveries_size(), 2);
  EXPECT_EQ(sent->deliveries(0).ground(), common::v1::GROUND_UNSPECIFIED);
  EXPECT_EQ(sent->deliveries(1).ground(), common::v1::GROUND_AGREEMENT);
}

}  // namespace
}  // namespace relais::consent
