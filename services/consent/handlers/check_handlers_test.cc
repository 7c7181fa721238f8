#include "services/consent/handlers/check_handlers.h"

#include <gtest/gtest.h>

#include "common/rpc/refusal.h"
#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using testing::SimWorld;

TEST(Check, DryRunLeavesNothingAndAuthorisesNothing) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  const size_t leaves = world.Leaves().size();
  const auto response = world.Check(SimWorld::CheckFor(person));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision(), DECISION_PERMIT);
  EXPECT_FALSE(response->has_permit());
  EXPECT_EQ(response->revision(), world.log().Revision(leaves));
  EXPECT_EQ(world.Leaves().size(), leaves);
}

TEST(Check, RecordedPermitNamesItsLeafAndEndsSoon) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto consent = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(consent.ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.set_want_proof(true);
  const auto response = world.Check(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->decision(), DECISION_PERMIT);
  const auto leaves = world.Leaves();
  const auto& leaf = leaves.back();
  EXPECT_EQ(response->permit().permit_id(), "relais.test/consent/1:" + std::to_string(leaf.index));
  EXPECT_EQ(response->revision(), world.log().Revision(leaf.index + 1));
  EXPECT_EQ(response->permit().expires().seconds(), absl::ToUnixSeconds(world.harness().clock().Now()) + 60);
  EXPECT_EQ(leaf.leaf.header.event_class(), audit::v1::EVENT_CLASS_CHECK_DECIDED);
  EXPECT_EQ(leaf.leaf.header.institution(), "ville-paris");
  EXPECT_EQ(leaf.leaf.header.decision(), DECISION_PERMIT);
  EXPECT_EQ(leaf.leaf.header.ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_EQ(leaf.leaf.header.purpose(), "RIGHTS_OPENING");
  EXPECT_EQ(leaf.details.recipient().institution(), "caf");
  EXPECT_EQ(leaf.details.acting_function(), "assistant-social");
  EXPECT_EQ(leaf.details.denial_reason(), "");
  EXPECT_EQ(leaf.details.subject().id(), world.IdOf(person).ToBytes());
  EXPECT_EQ(leaf.details.payload().type_url(), "type.googleapis.com/relais.consent.v1.CheckDecided");
  v1::CheckDecided decided;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&decided));
  EXPECT_EQ(decided.consent_id(), consent->consent_id());
  EXPECT_EQ(decided.decided_at_size(), leaf.index);
  EXPECT_EQ(decided.recipient_kind(), "BENEFITS") << "what it was on that day";
  EXPECT_FALSE(decided.represented());
  const auto verified = audit::VerifyProof(response->proof(), {world.harness().verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_TRUE(verified->details.has_value());
}

// D-2.6.1: ground and facts are recorded.
TEST(Check, APermitOfTheLawRecordsTheFactsItStandsOn) {
  SimWorld world;
  v1::CheckRequest request = SimWorld::CheckFor(world.NewPerson("case-1"), false);
  *request.mutable_person() = world.RawRef(world.IdOf(request.person()));
  request.mutable_sender()->set_institution("bspp");
  request.mutable_recipient()->set_institution("ville-paris");
  request.set_recipient_desk("dsol-75113");
  request.set_purpose("SOCIAL_ASSESSMENT");
  common::v1::StatedGround* stated = request.mutable_stated_ground();
  stated->set_ground(common::v1::GROUND_CP_226_14_1);
  stated->set_facts("alitée, seule, sans soins");
  stated->set_signal_type("DISTRESS_REPORT");
  stated->set_event("SERIOUS");
  const auto facts = [&] {
    EXPECT_TRUE(world.Run(world.service().checks().Check(world.AsService("routing"), request)).ok());
    v1::CheckDecided decided;
    EXPECT_TRUE(world.Leaves().back().details.payload().UnpackTo(&decided));
    return decided.facts();
  };
  EXPECT_EQ(facts(), "alitée, seule, sans soins");
  // A denial stands on nothing, and keeps nothing.
  request.set_recipient_desk("");
  request.mutable_recipient()->set_institution("caf");
  EXPECT_EQ(facts(), "");
}

// D-2.6.1, D-2.3: a professional's own word to the CRIP, with no protocol in the directory, in the function
// of the human who asks.
TEST(Check, AProfessionalAlertsChildProtectionWithoutAProtocol) {
  SimWorld world;
  v1::CheckRequest request = SimWorld::CheckFor(world.NewPerson("case-1"), false);
  request.mutable_sender()->set_function("assistant-social");
  request.mutable_recipient()->set_institution("crip75");
  request.mutable_recipient()->set_function("medecin");
  request.set_purpose("CHILD_PROTECTION");
  request.add_categories("HEALTH");
  request.mutable_stated_ground()->set_facts("traces de coups");
  const auto ask = [&](common::v1::Ground ground, const std::string& function = "assistant-social") {
    request.mutable_stated_ground()->set_ground(ground);
    const auto response =
        world.Run(world.service().checks().Check(world.As("ville-paris", "dsol", function), request));
    SimWorld::Require(response.status());
    v1::CheckDecided decided;
    EXPECT_TRUE(world.Leaves().back().details.payload().UnpackTo(&decided));
    EXPECT_EQ(decided.stated_ground(), ground);
    EXPECT_EQ(decided.facts(), response->decision() == DECISION_PERMIT ? "traces de coups" : "");
    return *response;
  };
  for (const common::v1::Ground ground :
       {common::v1::GROUND_CP_226_14_1, common::v1::GROUND_INFO_PREOCCUPANTE,
        common::v1::GROUND_CASF_226_2_2}) {
    const v1::CheckResponse response = ask(ground);
    EXPECT_EQ(response.decision(), DECISION_PERMIT) << ground;
    EXPECT_EQ(response.ground(), ground);
    EXPECT_EQ(response.reason(), v1::REASON_LEGAL_DUTY);
    EXPECT_EQ(response.obligations_size(), 1) << ground;
    request.mutable_sender()->clear_function();
    EXPECT_EQ(ask(ground, "agent-accueil").decision(), DECISION_DENY) << ground;
    request.mutable_sender()->set_function("assistant-social");
  }
}

std::string FieldOf(const absl::Status& status) {
  const google::rpc::BadRequest fields = rpc::FieldsOf(status);
  return fields.field_violations_size() == 1 ? fields.field_violations(0).field() : status.ToString();
}

// D-1.4: who receives, or would, does not say for the sender on what ground it goes.
TEST(Check, AGroundIsTheSendersToState) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const Id128 id = world.IdOf(person);
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.mutable_sender()->set_institution("aphp");
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  request.mutable_stated_ground()->set_facts("plaie non soignée");
  for (const char* recipient : {"caf", "crip75"}) {
    request.mutable_recipient()->set_institution(recipient);
    *request.mutable_person() = rpc::HandleFor(world.context(), recipient, id);
    EXPECT_EQ(FieldOf(world.Run(world.service().checks().Check(world.As(recipient), request)).status()),
              "stated_ground");
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 0u);
  *request.mutable_person() = rpc::HandleFor(world.context(), "aphp", id);
  EXPECT_TRUE(world.Run(world.service().checks().Check(world.As("aphp"), request)).ok());
  *request.mutable_person() = world.RawRef(id);
  EXPECT_TRUE(world.Run(world.service().checks().Check(world.AsService("routing"), request)).ok());
}

// D-4.4a: who receives may name the agreement that it means, which covers one report alone, and no more.
TEST(Check, AnAgreementAndItsReferenceAnyPartyMayName) {
  SimWorld world;
  const Id128 id = world.IdOf(world.NewPerson("case-1"));
  v1::RecordConsentRequest agreed = SimWorld::ConsentFor(world.RawRef(id), "c1");
  agreed.set_method(v1::METHOD_SPOKEN_ON_SITE);
  agreed.set_source_reference("BSPP-1");
  *agreed.mutable_acting() = SimWorld::Acting("bspp");
  ASSERT_TRUE(
      world.Run(world.service().agreements().RecordConsent(world.AsService("alerting"), agreed)).ok());
  v1::CheckRequest request = SimWorld::CheckFor(rpc::HandleFor(world.context(), "caf", id));
  request.mutable_sender()->set_institution("bspp");
  const auto ask = [&] { return world.Run(world.service().checks().Check(world.As("caf"), request)); };
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(ask()->decision(), DECISION_DENY);
  common::v1::StatedGround& stated = *request.mutable_stated_ground();
  stated.set_ground(common::v1::GROUND_AGREEMENT);
  stated.set_source_reference("BSPP-1");
  const auto named = ask();
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_EQ(named->decision(), DECISION_PERMIT);
  stated.set_facts("plaie non soignée");
  EXPECT_EQ(FieldOf(ask().status()), "stated_ground");
  stated.clear_facts();
  stated.set_signal_type("DISTRESS_REPORT");
  EXPECT_EQ(FieldOf(ask().status()), "stated_ground");
  stated.clear_signal_type();
  stated.set_event("SERIOUS");
  EXPECT_EQ(FieldOf(ask().status()), "stated_ground");
}

// Between two functions of one institution one is the caller's; a ground of the law is that one's as sender.
TEST(Check, AColleagueIsNamedWhereTheCallerIsTheOtherParty) {
  SimWorld world;
  v1::CheckRequest request = SimWorld::CheckFor(world.NewPerson("case-1"));
  request.mutable_recipient()->set_institution("ville-paris");
  request.mutable_sender()->set_function("assistant-social");  // who asks
  request.mutable_recipient()->set_function("agent-accueil");
  EXPECT_TRUE(world.Check(request).ok()) << world.Check(request).status();
  std::swap(*request.mutable_sender(), *request.mutable_recipient());
  EXPECT_TRUE(world.Check(request).ok()) << world.Check(request).status();
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  EXPECT_EQ(FieldOf(world.Check(request).status()), "stated_ground") << "a colleague's to state";
  request.clear_stated_ground();
  request.mutable_recipient()->set_function("agent-accueil");
  EXPECT_EQ(FieldOf(world.Check(request).status()), "sender.function");
  request.mutable_recipient()->clear_function();
  EXPECT_EQ(FieldOf(world.Check(request).status()), "sender.function");
}

// What the log and her history say of who spoke is what was judged.
TEST(Check, NobodyAsksInAnotherFunctionOfTheirOwn) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.mutable_sender()->set_function("agent-accueil");
  EXPECT_EQ(FieldOf(world.Check(request).status()), "sender.function");
  request.mutable_sender()->set_function("assistant-social");
  EXPECT_TRUE(world.Check(request).ok());
  request.mutable_recipient()->set_institution("aphp");
  request.mutable_recipient()->set_function("medecin");
  EXPECT_TRUE(world.Check(request).ok()) << "another's is said as it is";
  std::swap(*request.mutable_sender(), *request.mutable_recipient());
  request.mutable_recipient()->set_function("agent-accueil");
  EXPECT_EQ(FieldOf(world.Check(request).status()), "recipient.function");
}

TEST(Check, TheLeafTellsWhatEachCategoryRestsOnWhereTheyDiffer) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto first = world.Record(SimWorld::ConsentFor(person, "c1"));
  v1::RecordConsentRequest contact = SimWorld::ConsentFor(person, "c2");
  contact.mutable_lines(0)->set_categories(0, "CONTACT");
  const auto second = world.Record(contact);
  ASSERT_TRUE(first.ok() && second.ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  const auto decided = [&] {
    EXPECT_EQ(world.Decision(request), DECISION_PERMIT);
    v1::CheckDecided payload;
    EXPECT_TRUE(world.Leaves().back().details.payload().UnpackTo(&payload));
    return payload;
  };
  EXPECT_EQ(decided().bases_size(), 0);
  request.add_categories("CONTACT");
  const v1::CheckDecided both = decided();
  ASSERT_EQ(both.bases_size(), 2);
  EXPECT_EQ(both.bases(0).category(), "IDENTITY");
  EXPECT_EQ(both.bases(0).consent_id(), first->consent_id());
  EXPECT_EQ(both.bases(1).category(), "CONTACT");
  EXPECT_EQ(both.bases(1).ground(), common::v1::GROUND_AGREEMENT);
  EXPECT_EQ(both.bases(1).consent_id(), second->consent_id());
}

TEST(Check, TheLeafTellsTheSignalAndEventOfAStatedGround) {
  SimWorld world;
  v1::CheckRequest request = SimWorld::CutFor(world.NewPerson("case-1"));
  request.set_dry_run(false);
  ASSERT_EQ(world.Decision(request), DECISION_PERMIT);
  v1::CheckDecided payload;
  ASSERT_TRUE(world.Leaves().back().details.payload().UnpackTo(&payload));
  EXPECT_EQ(payload.signal_type(), "UNPAID_BILL");
  EXPECT_EQ(payload.event(), "COUPURE");
}

// What comes with a category comes with it, also where another is denied.
TEST(Check, ObligationsAreToldByCategory) {
  SimWorld world;
  v1::CheckRequest request = SimWorld::CutFor(world.NewPerson("case-1"));
  const std::vector<int> decree = {v1::OBLIGATION_DECREE_FIELDS_ONLY, v1::OBLIGATION_INFORM_AT_FIRST_CONTACT};
  const auto obligations = [](const v1::CheckResponse& response, int i) {
    const auto& owed = response.categories(i).obligations();
    return std::vector<int>(owed.begin(), owed.end());
  };
  request.add_categories("ADDRESS");
  auto response = world.Check(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->decision(), DECISION_PERMIT);
  EXPECT_EQ(obligations(*response, 0), decree);
  EXPECT_EQ(obligations(*response, 1), decree);
  EXPECT_EQ(response->obligations_size(), 2);
  request.set_categories(1, "HEALTH");
  response = world.Check(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->decision(), DECISION_DENY);
  EXPECT_EQ(obligations(*response, 0), decree);
  EXPECT_EQ(obligations(*response, 1), std::vector<int>());
  EXPECT_EQ(response->obligations_size(), 0);
  // Hers brings none, beside what the law brings for the other.
  v1::RecordConsentRequest agreement = SimWorld::ConsentFor(request.person(), "c1");
  agreement.set_explicit_(true);
  *agreement.mutable_lines(0) = v1::ConsentLine();
  agreement.mutable_lines(0)->add_purposes("ENERGY_AID");
  agreement.mutable_lines(0)->add_categories("HEALTH");
  agreement.mutable_lines(0)->add_recipients()->set_institution("ville-paris");
  agreement.mutable_lines(0)->add_acts(testing::ACT_TRANSMIT);
  ASSERT_TRUE(world.Record(agreement).ok());
  response = world.Check(request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->decision(), DECISION_PERMIT);
  EXPECT_EQ(obligations(*response, 0), decree);
  EXPECT_EQ(obligations(*response, 1), std::vector<int>());
}

TEST(Check, APermitDoesNotOutliveItsGround) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, "c1");
  const int64_t end = absl::ToUnixSeconds(world.harness().clock().Now()) + 20;
  consent.mutable_valid_until()->set_seconds(end);
  ASSERT_TRUE(world.Record(consent).ok());
  const auto response = world.Check(SimWorld::CheckFor(person, false));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->permit().expires().seconds(), end);
}

TEST(Check, InstitutionsLearnNothingButThatItIsNotPermitted) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  const auto permitted = world.Check(SimWorld::CheckFor(person, false));
  ASSERT_TRUE(permitted.ok());
  EXPECT_EQ(permitted->reason(), v1::REASON_AGREEMENT);
  EXPECT_EQ(permitted->categories(0).consent_id(), "");
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.set_want_proof(true);
  const auto denied = world.Check(request);
  ASSERT_TRUE(denied.ok());
  EXPECT_EQ(denied->reason(), v1::REASON_NOT_PERMITTED);
  EXPECT_EQ(denied->categories(0).reason(), v1::REASON_NOT_PERMITTED);
  EXPECT_EQ(denied->ground(), common::v1::GROUND_UNSPECIFIED);
  EXPECT_FALSE(denied->has_permit());
  EXPECT_NE(denied->next_step().find("Demandez"), std::string::npos);
  EXPECT_EQ(denied->proof().leaf_key(), "");  // part P says why
  // She who never agreed gets the same words.
  const auto unknown = world.Check(SimWorld::CheckFor(world.NewPerson("case-2")));
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->next_step(), denied->next_step());
  // A service and the log know why.
  *request.mutable_person() = world.RawRef(world.IdOf(person));
  const auto full = world.Run(world.service().checks().Check(world.AsService("routing"), request));
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->reason(), v1::REASON_WITHDRAWN);
  EXPECT_EQ(full->categories(0).reason(), v1::REASON_WITHDRAWN);
  EXPECT_EQ(world.Leaves().back().details.denial_reason(), "REASON_WITHDRAWN");
  EXPECT_EQ(world.Leaves().back().leaf.header.institution(), "service/routing");
}

TEST(Check, OnlyAPartyMayAsk) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const Id128 id = world.IdOf(person);
  const auto ask = [&](const std::string& institution) {
    v1::CheckRequest request = SimWorld::CheckFor(rpc::HandleFor(world.context(), institution, id));
    return world.Run(world.service().checks().Check(world.As(institution), request)).status();
  };
  EXPECT_TRUE(ask("ville-paris").ok());
  EXPECT_TRUE(ask("caf").ok());
  EXPECT_EQ(rpc::ReasonOf(ask("siao")), common::v1::ERROR_REASON_NOT_A_PARTY);
}

TEST(Check, RefusesUnknownCodesPersonsAndRevisions) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto reason = [&](const std::function<void(v1::CheckRequest&)>& change) {
    v1::CheckRequest request = SimWorld::CheckFor(person, false);
    change(request);
    return rpc::ReasonOf(world.Check(request).status());
  };
  EXPECT_EQ(reason([](auto& r) { r.set_purpose("FRAUD"); }), common::v1::ERROR_REASON_UNKNOWN_CODE);
  v1::CheckRequest unknown = SimWorld::CheckFor(person, false);
  unknown.add_categories("NOPE");
  const google::rpc::BadRequest fields = rpc::FieldsOf(world.Check(unknown).status());
  ASSERT_EQ(fields.field_violations_size(), 1);
  EXPECT_EQ(fields.field_violations(0).field(), "categories[1]");
  EXPECT_EQ(reason([](auto& r) { r.add_categories("NOPE"); }), common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(reason([](auto& r) { r.mutable_recipient()->set_institution("nope"); }),
            common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(reason([](auto& r) { r.mutable_recipient()->set_function("nope"); }),
            common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(reason([](auto& r) { r.set_recipient_desk("nope"); }), common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(reason([](auto& r) { r.set_recipient_desk("dsol-75113"); }),
            common::v1::ERROR_REASON_UNKNOWN_CODE);
  EXPECT_EQ(reason([](auto& r) { r.clear_categories(); }), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.clear_act(); }), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.mutable_time()->set_seconds(1); }),
            common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) {
              r.set_dry_run(true);
              r.mutable_time()->set_seconds(1);
            }),
            common::v1::ERROR_REASON_INVALID_FIELDS)
      << "from instant to instant it would tell an institution when she said no";
  EXPECT_EQ(reason([](auto& r) {
              r.mutable_stated_ground()->set_ground(common::v1::GROUND_ART6);
              r.mutable_stated_ground()->mutable_event_day()->set_year(2026);
              r.mutable_stated_ground()->mutable_event_day()->set_month(13);
            }),
            common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([&](auto& r) {
              *r.mutable_person() =
                  rpc::HandleFor(world.context(), "ville-paris", world.harness().random().Id());
            }),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  EXPECT_EQ(reason([](auto& r) { r.set_at_least_as_fresh("relais.test/consent/1:999"); }),
            common::v1::ERROR_REASON_PEER_BEHIND);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 0u);
}

TEST(Check, AsOfAnotherInstant) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  world.harness().sim().RunFor(absl::Hours(1));
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  const absl::Time agreed = world.harness().clock().Now();
  world.harness().sim().RunFor(absl::Hours(1));
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  const auto at = [&](absl::Time time) {
    v1::CheckRequest request = SimWorld::CheckFor(world.RawRef(world.IdOf(person)));
    request.mutable_time()->set_seconds(absl::ToUnixSeconds(time));
    const auto response = world.Run(world.service().checks().Check(world.AsService("routing"), request));
    SimWorld::Require(response.status());
    return response->decision();
  };
  EXPECT_EQ(at(agreed - absl::Minutes(1)), DECISION_DENY);
  EXPECT_EQ(at(agreed + absl::Minutes(1)), DECISION_PERMIT);
  EXPECT_EQ(at(agreed + absl::Hours(2)), DECISION_DENY);
}

TEST(Check, ARequestIdGivesTheRecordedAnswerAgain) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.set_request_id("k1");
  const auto first = world.Check(request);
  ASSERT_TRUE(first.ok());
  world.harness().sim().RunFor(absl::Seconds(5));
  const auto again = world.Check(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 1u);
  v1::CheckRequest other = request;
  other.set_exercise(true);
  EXPECT_EQ(rpc::ReasonOf(world.Check(other).status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST(Check, ARepetitionNeverPermitsWhatSheWithdrewNorAfterItsTime) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.set_request_id("k1");
  const auto first = world.Check(request);
  ASSERT_TRUE(first.ok());
  world.harness().sim().RunFor(absl::Seconds(61));
  const auto later = world.Check(request);
  ASSERT_TRUE(later.ok()) << later.status();
  EXPECT_EQ(later->decision(), DECISION_PERMIT);
  EXPECT_NE(later->permit().permit_id(), first->permit().permit_id());
  EXPECT_GT(later->permit().expires().seconds(), first->permit().expires().seconds());
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  const auto after = world.Check(request);
  ASSERT_TRUE(after.ok());
  EXPECT_EQ(after->decision(), DECISION_DENY);
  const auto still = world.Check(request);
  ASSERT_TRUE(still.ok());
  EXPECT_EQ(still->SerializeAsString(), after->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 3u);
}

TEST(Check, WithoutADurableLeafThereIsNoPermit) {
  auto options = SimWorld::DefaultOptions();
  auto armed = std::make_shared<bool>(false);
  options.store.crash_at = [armed](uint64_t /*at*/) { return *armed; };
  SimWorld world(options);
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  *armed = true;
  EXPECT_EQ(world.Check(SimWorld::CheckFor(person, false)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(world.Check(SimWorld::CheckFor(person, false)).status().code(), absl::StatusCode::kUnavailable);
}

// Her history does not show it, so it lets nothing go.
TEST(Check, AnExerciseIsMarkedAndAuthorisesNothing) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.set_exercise(true);
  request.set_request_id("k1");
  for (int i = 0; i < 2; ++i) {  // the second is the repetition
    const auto response = world.Check(request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->decision(), DECISION_PERMIT);
    EXPECT_FALSE(response->has_permit());
    EXPECT_TRUE(world.Leaves().back().leaf.header.exercise());
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 1u);
  }
}

// An agreement that she took back is not what a repetition stands on, whatever she agreed to since.
TEST(Check, ARepetitionStandsOnWhatTheFirstStoodOn) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto first_word = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(first_word.ok());
  v1::CheckRequest request = SimWorld::CheckFor(person, false);
  request.set_request_id("k1");
  const auto first = world.Check(request);
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  world.harness().sim().RunFor(absl::Seconds(1));
  const auto second_word = world.Record(SimWorld::ConsentFor(person, "c2"));
  ASSERT_TRUE(second_word.ok());
  const auto again = world.Check(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->decision(), DECISION_PERMIT);
  EXPECT_NE(again->permit().permit_id(), first->permit().permit_id());
  v1::CheckDecided decided;
  ASSERT_TRUE(world.Leaves().back().details.payload().UnpackTo(&decided));
  EXPECT_EQ(decided.consent_id(), second_word->consent_id());
  const auto still = world.Check(request);
  ASSERT_TRUE(still.ok());
  EXPECT_EQ(still->SerializeAsString(), again->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 2u);
}

// ADR 71: two agreements of hers on the same lines, and the shorter one is asked about.
class AboutOneAgreement : public ::testing::Test {
 protected:
  AboutOneAgreement() {
    v1::RecordConsentRequest recorded = SimWorld::ConsentFor(person, "c1");
    recorded.mutable_valid_until()->set_seconds(end);
    shorter = Record(recorded);
    longer = Record(SimWorld::ConsentFor(person, "c2"));
    v1::RecordConsentRequest elsewhere = SimWorld::ConsentFor(person, "c3");
    elsewhere.mutable_lines(0)->mutable_recipients(0)->set_institution("siao");
    for_siao = Record(elsewhere);
  }
  std::string Record(const v1::RecordConsentRequest& request) {
    const auto recorded = world.Record(request);
    SimWorld::Require(recorded.status());
    return recorded->consent_id();
  }
  v1::CheckRequest About(const std::string& consent_id, bool dry_run = true) const {
    v1::CheckRequest request = SimWorld::CheckFor(person, dry_run);
    request.set_consent_id(consent_id);
    return request;
  }
  v1::CheckResponse AsInstitution(const v1::CheckRequest& request) {
    const auto response = world.Check(request);
    SimWorld::Require(response.status());
    return *response;
  }
  v1::CheckResponse AsService(v1::CheckRequest request) {
    *request.mutable_person() = world.RawRef(world.IdOf(request.person()));
    const auto response = world.Run(world.service().checks().Check(world.AsService("vault"), request));
    SimWorld::Require(response.status());
    return *response;
  }
  void EndByCollector(const std::string& consent_id) {
    v1::WithdrawConsentRequest request;
    request.set_request_id("end-" + consent_id);
    *request.mutable_person() = person;
    request.set_consent_id(consent_id);
    request.set_end(v1::CONSENT_END_TERMINATED);
    SimWorld::Require(
        world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request)).status());
  }

  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const int64_t end = absl::ToUnixSeconds(world.harness().clock().Now()) + 40;
  std::string shorter;
  std::string longer;
  std::string for_siao;
};

TEST_F(AboutOneAgreement, ThePermitRestsOnItAndEndsWithIt) {
  EXPECT_EQ(AsService(About("")).categories(0).consent_id(), longer);
  const v1::CheckResponse dry = AsService(About(shorter));
  ASSERT_EQ(dry.decision(), DECISION_PERMIT);
  EXPECT_EQ(dry.categories(0).consent_id(), shorter);
  EXPECT_EQ(dry.categories(0).expires().seconds(), end);
  const v1::CheckResponse recorded = AsService(About(shorter, false));
  ASSERT_EQ(recorded.decision(), DECISION_PERMIT);
  EXPECT_EQ(recorded.permit().expires().seconds(), end);
  v1::CheckDecided decided;
  ASSERT_TRUE(world.Leaves().back().details.payload().UnpackTo(&decided));
  EXPECT_EQ(decided.consent_id(), shorter);
  EXPECT_EQ(AsInstitution(About(shorter)).decision(), DECISION_PERMIT);
  EXPECT_EQ(AsInstitution(About(shorter)).categories(0).consent_id(), "") << "institutions are named none";
  world.harness().sim().RunFor(absl::Seconds(41));
  EXPECT_EQ(AsService(About(shorter)).reason(), v1::REASON_EXPIRED);
  EXPECT_EQ(AsService(About("")).categories(0).consent_id(), longer);
}

// Not there, another person's and one that does not cover it are told from each other by nothing.
TEST_F(AboutOneAgreement, OneThatIsNotHersIsAnsweredAsOneThatDoesNotCover) {
  const common::v1::PersonRef other = world.NewPerson("case-2");
  const std::string anothers = Record(SimWorld::ConsentFor(other, "c4"));
  const v1::CheckResponse not_covering = AsInstitution(About(for_siao));
  const v1::CheckResponse told = AsService(About(for_siao));
  EXPECT_EQ(not_covering.decision(), DECISION_DENY);
  EXPECT_EQ(not_covering.reason(), v1::REASON_NOT_PERMITTED);
  EXPECT_EQ(told.reason(), v1::REASON_NO_GROUND);
  for (const std::string& id : {anothers, std::string(32, '0'), std::string(32, 'f')}) {
    EXPECT_EQ(AsInstitution(About(id)).SerializeAsString(), not_covering.SerializeAsString()) << id;
    EXPECT_EQ(AsService(About(id)).SerializeAsString(), told.SerializeAsString()) << id;
  }
  // Nor by the reason of a denial that an institution hears of one that was hers.
  EndByCollector(shorter);
  v1::CheckResponse ended = AsInstitution(About(shorter));
  ended.set_revision(not_covering.revision());
  EXPECT_EQ(ended.SerializeAsString(), not_covering.SerializeAsString());
}

TEST_F(AboutOneAgreement, HerNoesComeFirst) {
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  for (const std::string& id : {shorter, longer, for_siao, std::string(32, 'f')}) {
    EXPECT_EQ(AsService(About(id)).reason(), v1::REASON_WITHDRAWN) << id;
  }
}

TEST_F(AboutOneAgreement, ItsEndEndsWhatRestsOnItAlone) {
  v1::CheckRequest request = About(shorter, false);
  request.set_request_id("k1");
  ASSERT_EQ(AsInstitution(request).decision(), DECISION_PERMIT);
  EndByCollector(shorter);
  EXPECT_EQ(AsInstitution(request).decision(), DECISION_DENY)
      << "a repetition permits no more than a new question";
  EXPECT_EQ(AsService(About(shorter)).reason(), v1::REASON_TERMINATED);
  EXPECT_EQ(AsInstitution(About(longer, false)).decision(), DECISION_PERMIT);
  EXPECT_EQ(AsInstitution(About("", false)).decision(), DECISION_PERMIT);
}

TEST_F(AboutOneAgreement, ARequestIdIsOfOneQuestion) {
  v1::CheckRequest request = About(shorter, false);
  request.set_request_id("k1");
  const v1::CheckResponse first = AsInstitution(request);
  EXPECT_EQ(AsInstitution(request).SerializeAsString(), first.SerializeAsString());
  for (const std::string& id : {longer, std::string()}) {
    request.set_consent_id(id);
    EXPECT_EQ(rpc::ReasonOf(world.Check(request).status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED) << id;
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 1u);
}

v1::BatchCheckRequest Batch(const std::vector<common::v1::PersonRef>& persons, bool dry_run) {
  const v1::CheckRequest one = SimWorld::CheckFor({});
  v1::BatchCheckRequest request;
  for (const common::v1::PersonRef& person : persons) {
    *request.add_persons() = person;
  }
  *request.mutable_sender() = one.sender();
  *request.mutable_recipient() = one.recipient();
  request.set_purpose(one.purpose());
  *request.mutable_categories() = one.categories();
  request.set_act(one.act());
  request.set_dry_run(dry_run);
  return request;
}

TEST(BatchCheck, AnswersEachPersonAndRecordsOneLeafEach) {
  SimWorld world;
  const common::v1::PersonRef agreed = world.NewPerson("case-1");
  const common::v1::PersonRef silent = world.NewPerson("case-2");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(agreed, "c1")).ok());
  common::v1::PersonRef foreign;
  foreign.set_handle("rh1_nonsense");
  const common::v1::PersonRef nobody =
      rpc::HandleFor(world.context(), "ville-paris", world.harness().random().Id());
  for (const bool dry_run : {true, false}) {
    const auto response = world.Run(world.service().checks().BatchCheck(
        world.As("ville-paris"), Batch({agreed, silent, foreign, nobody, agreed}, dry_run)));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_EQ(response->results_size(), 5);
    EXPECT_EQ(response->results(0).decision(), DECISION_PERMIT);
    EXPECT_EQ(response->results(0).has_permit(), !dry_run);
    EXPECT_EQ(response->results(1).decision(), DECISION_DENY);
    EXPECT_EQ(response->results(1).reason(), v1::REASON_NOT_PERMITTED);
    EXPECT_FALSE(response->results(1).has_permit());
    EXPECT_EQ(response->results(2).error(), "ERROR_REASON_NOT_YOUR_HANDLE");
    EXPECT_EQ(response->results(2).decision(), common::v1::DECISION_UNSPECIFIED);
    EXPECT_EQ(response->results(3).error(), "ERROR_REASON_NO_SUCH_OR_NOT_YOURS");
    EXPECT_EQ(response->results(4).decision(), DECISION_PERMIT);
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), dry_run ? 0u : 3u);
    // That of the first of three leaves: who said no between two items did not say it before that.
    EXPECT_EQ(response->revision(), world.log().Revision(world.log().state().size - (dry_run ? 0 : 2)));
  }
}

TEST(BatchCheck, AnItemWithoutADurableLeafIsAnErrorNeverAPermit) {
  auto options = SimWorld::DefaultOptions();
  auto left = std::make_shared<int>(1 << 30);
  options.store.crash_at = [left](uint64_t /*at*/) { return --*left < 0; };
  SimWorld world(options);
  std::vector<common::v1::PersonRef> persons;
  for (int i = 0; i < 4; ++i) {
    persons.push_back(world.NewPerson("case-" + std::to_string(i)));
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(persons.back(), "c" + std::to_string(i))).ok());
  }
  *left = 4;  // two commits reach the disk
  const auto response =
      world.Run(world.service().checks().BatchCheck(world.As("ville-paris"), Batch(persons, false)));
  ASSERT_TRUE(response.ok()) << response.status();
  for (const v1::BatchCheckResult& result : response->results()) {
    if (result.decision() != DECISION_PERMIT) {
      EXPECT_EQ(result.decision(), common::v1::DECISION_UNSPECIFIED);
      EXPECT_EQ(result.error(), "ERROR_REASON_STORE_FAILED");
    }
  }
  EXPECT_EQ(response->results(3).error(), "ERROR_REASON_STORE_FAILED");
  world.Restart();
  size_t permits = 0;
  for (const v1::BatchCheckResult& result : response->results()) {
    permits += result.has_permit() ? 1 : 0;
  }
  EXPECT_LE(permits, world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED));
}

// D-2.6.7: what comes with each category, as a check of one says it.
TEST(BatchCheck, SaysWhatComesWithEachCategory) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, "c1");
  consent.mutable_lines(0)->mutable_recipients(0)->set_institution("aphp");
  ASSERT_TRUE(world.Record(consent).ok());
  v1::DeclareRequest emergency;
  emergency.set_request_id("e1");
  *emergency.mutable_person() = person;
  emergency.mutable_recipient()->set_institution("aphp");
  emergency.add_categories("HEALTH");
  emergency.set_facts("inconsciente");
  emergency.set_person_unable(true);
  emergency.set_danger_serious(true);
  ASSERT_TRUE(world.Run(world.service().emergencies().Declare(world.As("ville-paris"), emergency)).ok());
  v1::BatchCheckRequest request = Batch({person}, false);
  request.set_request_id("b1");
  request.mutable_recipient()->set_institution("aphp");
  request.add_categories("HEALTH");
  for (int i = 0; i < 2; ++i) {  // the second is the repetition
    const auto response = world.Run(world.service().checks().BatchCheck(world.As("ville-paris"), request));
    ASSERT_TRUE(response.ok()) << response.status();
    const v1::BatchCheckResult& result = response->results(0);
    ASSERT_EQ(result.decision(), DECISION_PERMIT) << result.DebugString();
    ASSERT_EQ(result.categories_size(), 2);
    EXPECT_EQ(result.categories(0).ground(), common::v1::GROUND_AGREEMENT);
    EXPECT_EQ(result.categories(0).obligations_size(), 0);
    EXPECT_EQ(result.categories(1).category(), "HEALTH");
    EXPECT_EQ(result.categories(1).ground(), common::v1::GROUND_EMERGENCY);
    ASSERT_EQ(result.categories(1).obligations_size(), 1);
    EXPECT_EQ(result.categories(1).obligations(0), v1::OBLIGATION_INFORM_AND_REVIEW);
    EXPECT_EQ(result.categories(1).consent_id(), "") << "nothing names what it rests on";
  }
}

// A retry after a lost answer leaves no second leaf; nobody is asked about twice under one id.
TEST(BatchCheck, ARequestIdGivesTheRecordedAnswersAgain) {
  SimWorld world;
  const common::v1::PersonRef agreed = world.NewPerson("case-1");
  const common::v1::PersonRef silent = world.NewPerson("case-2");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(agreed, "c1")).ok());
  v1::BatchCheckRequest request = Batch({agreed, silent, agreed}, false);
  request.set_request_id("b1");
  const auto run = [&] {
    auto response = world.Run(world.service().checks().BatchCheck(world.As("ville-paris"), request));
    SimWorld::Require(response.status());
    return *std::move(response);
  };
  const v1::BatchCheckResponse first = run();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 2u);
  EXPECT_EQ(first.results(0).decision(), DECISION_PERMIT);
  EXPECT_EQ(first.results(1).decision(), DECISION_DENY);
  EXPECT_EQ(first.results(2).permit().permit_id(), first.results(0).permit().permit_id());
  world.harness().sim().RunFor(absl::Seconds(5));
  const v1::BatchCheckResponse again = run();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(again.results(i).SerializeAsString(), first.results(i).SerializeAsString()) << i;
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 2u);
  // What no longer stands is decided anew, for whom it does not stand.
  ASSERT_TRUE(world.WithdrawAll(agreed, "w1").ok());
  const v1::BatchCheckResponse after = run();
  EXPECT_EQ(after.results(0).decision(), DECISION_DENY);
  EXPECT_FALSE(after.results(0).has_permit());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 3u);
  // Another question, or other persons, under that id.
  request.set_categories(0, "ADDRESS");
  EXPECT_EQ(run().results(0).error(), "ERROR_REASON_REQUEST_ID_REUSED");
  request = Batch({silent}, false);
  request.set_request_id("b1");
  EXPECT_EQ(run().results(0).error(), "ERROR_REASON_REQUEST_ID_REUSED");
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 3u);
  // Without one each is a question of its own, as before.
  request.clear_request_id();
  run();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CHECK_DECIDED), 4u);
}

TEST(BatchCheck, OnlyAPartyMayAsk) {
  SimWorld world;
  const auto response = world.Run(world.service().checks().BatchCheck(world.As("siao"), Batch({}, true)));
  EXPECT_EQ(rpc::ReasonOf(response.status()), common::v1::ERROR_REASON_NOT_A_PARTY);
}

}  // namespace
}  // namespace relais::consent
