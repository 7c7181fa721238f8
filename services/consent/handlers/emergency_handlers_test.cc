#include "services/consent/handlers/emergency_handlers.h"

#include <gtest/gtest.h>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/duties.h"
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

TEST(Declare, SaysTheRecipientsKind) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(
      world.Run(world.service().emergencies().Declare(world.As("ville-paris"), Declaration(person))).ok());
  v1::EmergencyDeclared declared;
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    if (leaf.details.payload().UnpackTo(&declared)) {
      break;
    }
  }
  EXPECT_EQ(declared.recipient_kind(), "BENEFITS");
  world.Restart();
  const auto state = world.service().registry().store.LoadFresh(world.IdOf(person));
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(state->state->emergencies().size(), 1u);
  EXPECT_EQ(state->state->emergencies()[0].recipient_kind, "BENEFITS");
}

// ---- reviews (D-2.6.6)

struct Emergency72 {
  SimWorld world;
  common::v1::PersonRef person = world.NewPerson("case-1");
  std::string id;

  explicit Emergency72(const std::string& recipient = "caf") {
    v1::DeclareRequest request = Declaration(person);
    request.mutable_recipient()->set_institution(recipient);
    const auto response = world.Run(world.service().emergencies().Declare(world.As("ville-paris"), request));
    SimWorld::Require(response.status());
    id = response->emergency_id();
  }
  absl::StatusOr<v1::ReviewResponse> Review(const std::string& as, const std::string& agent,
                                            v1::ReviewOutcome outcome, const std::string& request_id = "v1") {
    v1::ReviewRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = rpc::HandleFor(world.context(), as, world.IdOf(person));
    request.set_emergency_id(id);
    request.set_outcome(outcome);
    request.set_reasons("Vue au domicile, consciente.");
    rpc::Call call = world.As(as);
    call.caller.agent = agent;
    return world.Run(world.service().emergencies().Review(call, request));
  }
  v1::ListPendingResponse Pending(const std::string& as = "caf") {
    const auto response =
        world.Run(world.service().emergencies().ListPending(world.As(as), v1::ListPendingRequest()));
    SimWorld::Require(response.status());
    return *response;
  }
};

TEST(Review, IsTheReceiversAndByAnotherThanTheDeclarer) {
  Emergency72 at_caf;
  ASSERT_EQ(at_caf.Pending().pending_size(), 1);
  EXPECT_EQ(at_caf.Pending().pending(0).declared_by(), "ville-paris");
  EXPECT_EQ(at_caf.Pending("ville-paris").pending_size(), 0);
  EXPECT_EQ(rpc::ReasonOf(at_caf.Review("ville-paris", "agent-2", v1::REVIEW_OUTCOME_JUSTIFIED).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  const auto reviewed = at_caf.Review("caf", "agent-1", v1::REVIEW_OUTCOME_JUSTIFIED);
  ASSERT_TRUE(reviewed.ok()) << reviewed.status();  // another institution's agent of that name
  EXPECT_EQ(at_caf.Review("caf", "agent-1", v1::REVIEW_OUTCOME_JUSTIFIED)->SerializeAsString(),
            reviewed->SerializeAsString());
  EXPECT_EQ(at_caf.world.Count(audit::v1::EVENT_CLASS_EMERGENCY_REVIEWED), 1u);
  EXPECT_EQ(rpc::ReasonOf(at_caf.Review("caf", "agent-3", v1::REVIEW_OUTCOME_NOT_JUSTIFIED, "v2").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(at_caf.Pending().pending_size(), 0);
  EXPECT_EQ(at_caf.world.Decision(SimWorld::CheckFor(at_caf.person)), DECISION_PERMIT);

  Emergency72 at_home("ville-paris");
  EXPECT_EQ(rpc::ReasonOf(at_home.Review("ville-paris", "agent-1", v1::REVIEW_OUTCOME_JUSTIFIED).status()),
            common::v1::ERROR_REASON_SECOND_PERSON_REQUIRED);
  EXPECT_TRUE(at_home.Review("ville-paris", "agent-2", v1::REVIEW_OUTCOME_JUSTIFIED).ok());
}

TEST(Review, OfOneThatWasNoneEndsItAtOnceAndSheIsStillToBeTold) {
  Emergency72 emergency;
  ASSERT_TRUE(emergency.Review("caf", "agent-9", v1::REVIEW_OUTCOME_NOT_JUSTIFIED).ok());
  EXPECT_EQ(emergency.world.Decision(SimWorld::CheckFor(emergency.person)), DECISION_DENY);
  emergency.world.Restart();
  EXPECT_EQ(emergency.world.Decision(SimWorld::CheckFor(emergency.person)), DECISION_DENY);
  const auto duties = [&] {
    return emergency.world
        .Run(emergency.world.service().duties().ListObligations(emergency.world.As("caf"), {}))
        ->obligations_size();
  };
  EXPECT_EQ(duties(), 1);
  v1::RecordInformationRequest told;
  told.set_request_id("i1");
  *told.mutable_person() =
      rpc::HandleFor(emergency.world.context(), "caf", emergency.world.IdOf(emergency.person));
  told.set_occasion(v1::INFORMATION_OCCASION_AFTER_EMERGENCY);
  told.set_emergency_id(emergency.id);
  const auto informed = emergency.world.Run(
      emergency.world.service().duties().RecordInformation(emergency.world.As("caf"), told));
  ASSERT_TRUE(informed.ok()) << informed.status();
  EXPECT_EQ(informed->duties_met(), 1u);
  EXPECT_EQ(duties(), 0);
}

// ADR 69: of another's emergency nothing waits for an entry that does not read.
TEST(Review, AnEntryThatDoesNotReadStopsNoEscalation) {
  Emergency72 emergency;
  SimWorld& world = emergency.world;
  world.harness().sim().RunFor(absl::Minutes(1));
  v1::DeclareRequest other = Declaration(world.NewPerson("case-2"));
  other.set_request_id("e2");
  ASSERT_TRUE(world.Run(world.service().emergencies().Declare(world.As("ville-paris"), other)).ok());
  const storage::Partition entries = world.context().idempotency.Bucket("review", "caf", "");
  const auto listed = world.context().store.Scan(entries, "", "", 10);
  ASSERT_EQ(listed->entries.size(), 2u);
  storage::CommitRequest damage;
  damage.partition = entries;
  damage.batch.push_back({listed->entries[0].key, std::string(40, 'x')});
  ASSERT_TRUE(world.Run(world.context().store.Commit(std::move(damage))).ok());
  ASSERT_EQ(emergency.Pending().pending_size(), 1);
  EXPECT_NE(emergency.Pending().pending(0).emergency_id(), emergency.id);
  world.harness().sim().RunFor(absl::Hours(73));
  const auto escalated = world.Run(EscalateReviews(world.service().registry()));
  ASSERT_TRUE(escalated.ok()) << escalated.status();
  EXPECT_EQ(*escalated, 1);
}

// ---- again (ADR 77)

// Declares once more about her, as that agent of the Ville's, from that report.
absl::Status Again(Emergency72& emergency, const std::string& agent, const std::string& reference,
                   const std::string& category = "IDENTITY", const std::string& recipient = "caf") {
  static int number = 0;
  v1::DeclareRequest request = Declaration(emergency.person);
  request.set_request_id("again-" + std::to_string(++number));
  request.set_source_reference(reference);
  request.mutable_recipient()->set_institution(recipient);
  request.set_categories(0, category);
  rpc::Call call = emergency.world.As("ville-paris");
  call.caller.agent = agent;
  return emergency.world.Run(emergency.world.service().emergencies().Declare(call, request)).status();
}

TEST(DeclareAgain, BesideOneThatNobodyJudgedTakesAnotherAgentAndANewReport) {
  Emergency72 emergency;  // by agent-1, from no report
  const auto reason = [&](const std::string& agent, const std::string& reference) {
    return rpc::ReasonOf(Again(emergency, agent, reference));
  };
  EXPECT_EQ(reason("agent-1", ""), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(reason("agent-1", "R-1"), common::v1::ERROR_REASON_WRONG_STATE) << "the same agent";
  EXPECT_EQ(reason("agent-2", ""), common::v1::ERROR_REASON_WRONG_STATE) << "from no report";
  emergency.world.harness().sim().RunFor(absl::Hours(80));
  EXPECT_EQ(reason("agent-1", "R-1"), common::v1::ERROR_REASON_WRONG_STATE) << "its end is no review";
  ASSERT_EQ(emergency.world.Decision(SimWorld::CheckFor(emergency.person)), DECISION_DENY);
  EXPECT_TRUE(Again(emergency, "agent-2", "R-1").ok());
  EXPECT_EQ(emergency.world.Decision(SimWorld::CheckFor(emergency.person)), DECISION_PERMIT);
  EXPECT_EQ(reason("agent-3", "R-1"), common::v1::ERROR_REASON_WRONG_STATE) << "no new report";
  EXPECT_TRUE(Again(emergency, "agent-3", "R-2").ok());
}

TEST(DeclareAgain, OfSomethingElseIsNotAgain) {
  Emergency72 emergency;
  EXPECT_TRUE(Again(emergency, "agent-1", "", "HEALTH").ok());
  EXPECT_TRUE(Again(emergency, "agent-1", "", "IDENTITY", "cpam").ok());
  Emergency72 judged;
  ASSERT_TRUE(judged.Review("caf", "agent-9", v1::REVIEW_OUTCOME_JUSTIFIED).ok());
  EXPECT_TRUE(Again(judged, "agent-1", "").ok()) << "it was one, and was looked at";
}

// A verdict is not undone by who declared what was none.
TEST(DeclareAgain, AfterOneThatWasNone) {
  Emergency72 emergency;
  ASSERT_TRUE(Again(emergency, "agent-2", "R-1").ok());
  v1::ReviewRequest review;
  *review.mutable_person() =
      rpc::HandleFor(emergency.world.context(), "caf", emergency.world.IdOf(emergency.person));
  review.set_outcome(v1::REVIEW_OUTCOME_NOT_JUSTIFIED);
  review.set_reasons("Vue au domicile, consciente.");
  const v1::ListPendingResponse pending = emergency.Pending();
  ASSERT_EQ(pending.pending_size(), 2);
  for (const v1::PendingReview& each : pending.pending()) {
    review.set_request_id("v" + each.emergency_id());
    review.set_emergency_id(each.emergency_id());
    rpc::Call call = emergency.world.As("caf");
    call.caller.agent = "agent-9";
    ASSERT_TRUE(emergency.world.Run(emergency.world.service().emergencies().Review(call, review)).ok());
  }
  emergency.world.Restart();
  const auto reason = [&](const std::string& agent, const std::string& reference,
                          const std::string& category = "IDENTITY") {
    return rpc::ReasonOf(Again(emergency, agent, reference, category));
  };
  EXPECT_EQ(reason("agent-1", "R-2"), common::v1::ERROR_REASON_WRONG_STATE) << "who declared the first";
  EXPECT_EQ(reason("agent-2", "R-2"), common::v1::ERROR_REASON_WRONG_STATE) << "who declared the second";
  EXPECT_EQ(reason("agent-3", "R-1"), common::v1::ERROR_REASON_WRONG_STATE) << "the report of the second";
  EXPECT_EQ(reason("agent-1", "R-2", "HEALTH"), common::v1::ERROR_REASON_WRONG_STATE) << "more of her";
  EXPECT_EQ(emergency.world.Decision(SimWorld::CheckFor(emergency.person)), DECISION_DENY);
  EXPECT_TRUE(Again(emergency, "agent-3", "R-2").ok());
}

// One desk's verdict of one month says nothing of the next.
TEST(DeclareAgain, AVerdictStandsForThirtyDays) {
  Emergency72 emergency;
  ASSERT_TRUE(emergency.Review("caf", "agent-9", v1::REVIEW_OUTCOME_NOT_JUSTIFIED).ok());
  emergency.world.harness().sim().Skip(absl::Hours(24 * 29));
  EXPECT_EQ(rpc::ReasonOf(Again(emergency, "agent-1", "R-1")), common::v1::ERROR_REASON_WRONG_STATE);
  emergency.world.harness().sim().Skip(absl::Hours(24) + absl::Minutes(1));
  const absl::Status again = Again(emergency, "agent-1", "");
  EXPECT_TRUE(again.ok()) << again;
}

// A brigade's reports have no human: each stands for itself, until it was judged to be none.
TEST(DeclareAgain, OfAFeedEachReportForItself) {
  Emergency72 emergency;
  v1::DeclareRequest request = Declaration(emergency.world.RawRef(emergency.world.IdOf(emergency.person)));
  *request.mutable_acting() = SimWorld::Acting("bspp");
  const auto declare = [&](const std::string& id, const std::string& reference) {
    request.set_request_id(id);
    request.set_source_reference(reference);
    return emergency.world.Run(
        emergency.world.service().emergencies().Declare(emergency.world.AsService("alerting"), request));
  };
  const auto first = declare("b1", "BSPP-1");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(declare("b2", "BSPP-2").ok());
  emergency.id = first->emergency_id();
  ASSERT_TRUE(emergency.Review("caf", "agent-9", v1::REVIEW_OUTCOME_NOT_JUSTIFIED).ok());
  EXPECT_EQ(rpc::ReasonOf(declare("b3", "BSPP-1").status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_TRUE(declare("b4", "BSPP-3").ok());
}

TEST(Review, OverdueIsEscalatedOnceAndStaysPending) {
  Emergency72 emergency;
  SimWorld& world = emergency.world;
  const auto escalate = [&] { return *world.Run(EscalateReviews(world.service().registry())); };
  world.harness().sim().RunFor(absl::Hours(72));
  EXPECT_EQ(escalate(), 0);
  world.harness().sim().RunFor(absl::Seconds(1));
  EXPECT_EQ(escalate(), 1);
  EXPECT_EQ(escalate(), 0);
  world.Restart();
  EXPECT_EQ(escalate(), 0);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_EMERGENCY_REVIEW_OVERDUE), 1u);
  ASSERT_EQ(emergency.Pending().pending_size(), 1);
  EXPECT_TRUE(emergency.Pending().pending(0).escalated());
  ASSERT_TRUE(emergency.Review("caf", "agent-9", v1::REVIEW_OUTCOME_JUSTIFIED).ok());
  EXPECT_EQ(emergency.Pending().pending_size(), 0);
  EXPECT_EQ(escalate(), 0);
}

}  // namespace
}  // namespace relais::consent
