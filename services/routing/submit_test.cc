// Submitting: the decision, its record, and repetition.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relais/routing/v1/events.pb.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::World;

TEST(Submit, ChecksTriesThenRecordsAndSaysSo) {
  World world;
  v1::SubmitRequest request = world.Note("s1");
  request.set_want_proof(true);
  const auto response = world.Submit(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->desk(), "dsol-75113");
  EXPECT_EQ(response->recipient().institution(), "ville-paris");
  // A trial that authorises nothing, then the recorded check.
  ASSERT_EQ(world.consent.asked.size(), 2u);
  EXPECT_TRUE(world.consent.asked[0].dry_run());
  EXPECT_FALSE(world.consent.asked[1].dry_run());
  EXPECT_EQ(world.consent.asked[1].sender().institution(), "aphp");
  EXPECT_EQ(world.consent.asked[1].sender().function(), "assistant-social");
  EXPECT_EQ(world.consent.asked[1].recipient_desk(), "dsol-75113");
  EXPECT_EQ(world.consent.asked[1].person().person_id(), World::Person(1).ToBytes());
  const auto proof = audit::VerifyProof(response->written().proof(), {world.harness().verify_key()});
  ASSERT_TRUE(proof.ok()) << proof.status();
  v1::MessageSubmitted submitted;
  ASSERT_TRUE(proof->details->payload().UnpackTo(&submitted));
  EXPECT_EQ(submitted.message_id(), response->message_id());
  EXPECT_EQ(submitted.permit_id(), "permit-2");
  EXPECT_EQ(proof->leaf.header.decision(), common::v1::DECISION_PERMIT);
  EXPECT_EQ(proof->leaf.header.institution(), "aphp");
}

TEST(Submit, ARepetitionGivesTheSameAnswerAndOneMessage) {
  World world;
  const auto first = world.Submit(world.Note("s1"));
  ASSERT_TRUE(first.ok());
  const size_t asked = world.consent.asked.size();
  world.Settle();
  world.Restart();
  world.consent.permits = [](const auto&) { return false; };  // what was answered stays answered
  const auto again = world.Submit(world.Note("s1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.consent.asked.size(), asked);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u);
}

TEST(Submit, TheSameIdWithOtherContentIsRefused) {
  World world;
  ASSERT_TRUE(world.Submit(world.Note("s1")).ok());
  v1::SubmitRequest other = world.Note("s1");
  other.mutable_content()->mutable_note()->set_text("autre chose");
  const auto refused = world.Submit(other);
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  // Another institution's request id is another one.
  v1::SubmitRequest theirs = world.Note("s1");
  *theirs.mutable_person() = world.Handle("emmaus", 1);
  theirs.mutable_sender()->set_institution("emmaus");
  EXPECT_TRUE(world.Run(world.service().routing().Submit(world.As("emmaus", "maraude"), theirs)).ok());
}

TEST(Submit, TwiceAtOnceMakesOneMessage) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    World world(seed);
    std::vector<absl::StatusOr<v1::SubmitResponse>> answers;
    for (int i = 0; i < 2; ++i) {
      Start(world.service().routing().Submit(world.As("aphp", "pass"), world.Note("s1")),
            [&](absl::StatusOr<v1::SubmitResponse> answer) { answers.push_back(std::move(answer)); });
    }
    world.Settle();
    ASSERT_EQ(answers.size(), 2u);
    ASSERT_TRUE(answers[0].ok() && answers[1].ok()) << answers[0].status() << answers[1].status();
    EXPECT_EQ(answers[0]->message_id(), answers[1]->message_id());
    EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u);
  }
}

TEST(Submit, NotPermittedSaysWhatToDoAndIsRecorded) {
  World world;
  world.consent.permits = [](const auto&) { return false; };
  const auto refused = world.Submit(world.Note("s1"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  EXPECT_EQ(refused.status().message(), "demandez-lui / ask her");
  EXPECT_EQ(world.consent.recorded(), 1u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_NOT_PERMITTED), 1u);
  world.Settle();
  EXPECT_TRUE(world.Waiting().empty());
  // She may agree later: the same request is then another question.
  world.consent.permits = [](const auto&) { return true; };
  EXPECT_TRUE(world.Submit(world.Note("s1")).ok());
}

TEST(Submit, WithoutConsentNothingIsDecided) {
  World world;
  world.consent.down = absl::UnavailableError("down");
  const auto failed = world.Submit(world.Note("s1"));
  EXPECT_EQ(rpc::ReasonOf(failed.status()), common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_NOT_PERMITTED), 0u);
}

TEST(Submit, FallsBackToHerAgreementWhereTheStatedGroundDoesNotHold) {
  World world;
  world.consent.permits = [](const consent::v1::CheckRequest& check) {
    return check.stated_ground().ground() == common::v1::GROUND_AGREEMENT;
  };
  v1::SubmitRequest request = world.Note("s1");
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  request.mutable_stated_ground()->set_facts("faits");
  const auto response = world.Submit(request);
  ASSERT_TRUE(response.ok()) << response.status();
  // What is checked at delivery is what was permitted.
  world.Settle();
  ASSERT_EQ(world.Pull().size(), 1u);
  EXPECT_EQ(world.consent.asked.back().stated_ground().ground(), common::v1::GROUND_AGREEMENT);
}

TEST(Submit, SaysWhatIsWrong) {
  World world;
  const auto reason = [&](const std::function<void(v1::SubmitRequest&)>& change) {
    v1::SubmitRequest request = world.Note("bad");
    change(request);
    const auto response = world.Submit(request);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument) << response.status();
    return rpc::ReasonOf(response.status());
  };
  using common::v1::ERROR_REASON_INVALID_FIELDS;
  EXPECT_EQ(reason([](auto& r) { r.set_purpose("FRAUD"); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.add_categories("NOPE"); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.clear_content(); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.set_desk("nowhere"); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.set_correlation("0123456789abcdef"); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.mutable_sender()->set_institution("edf"); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.mutable_sender()->set_function("medecin"); }),
            ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([](auto& r) { r.set_agent("somebody"); }), ERROR_REASON_INVALID_FIELDS);
  EXPECT_EQ(reason([&](auto& r) { *r.mutable_person() = world.Handle("caf", 1); }),
            common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
}

TEST(Submit, NothingPersonalInErrors) {
  World world;
  v1::SubmitRequest request = world.Note("bad");
  request.set_purpose("DUPONT");
  request.set_desk("dupont");
  const auto response = world.Submit(request);
  EXPECT_EQ(response.status().ToString().find("DUPONT"), std::string::npos);
  EXPECT_EQ(response.status().ToString().find("dupont"), std::string::npos);
}

TEST(Resolve, TellsAnInstitutionNothingAboutAPivot) {
  World world;
  v1::ResolveRequest request;
  *request.mutable_person() = world.Handle("aphp", 1);
  request.mutable_sender()->set_institution("aphp");
  request.set_purpose("SOCIAL_ASSESSMENT");
  request.add_categories("IDENTITY");
  request.mutable_situation()->set_postal_code("75013");
  const auto shown = world.Run(world.service().routing().Resolve(world.As("aphp", "pass"), request));
  ASSERT_TRUE(shown.ok()) << shown.status();
  EXPECT_EQ(shown->desk(), "dsol-75113");
  EXPECT_EQ(shown->territory_institution(), "ville-paris");
  EXPECT_EQ(shown->decision(), common::v1::DECISION_PERMIT);
  for (const v1::Step& step : shown->steps()) {
    EXPECT_NE(step.code().substr(0, 5), "PIVOT") << step.code();
  }
  // Explaining authorises nothing and leaves nothing.
  EXPECT_EQ(world.consent.recorded(), 0u);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
  request.mutable_person()->set_person_id(World::Person(1).ToBytes());
  const auto told = world.Run(world.service().routing().Resolve(world.AsService("alerting"), request));
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->steps(0).code(), "PIVOT_NONE");
}

TEST(Submit, CategoriesMustBeThoseOfTheContent) {
  World world;
  v1::SubmitRequest request = world.Note("s1");
  v1::DistressReport& report = *request.mutable_content()->mutable_distress_report();
  report.set_facts("seule, sans chauffage");
  report.set_phone("0612345678");
  EXPECT_EQ(rpc::ReasonOf(world.Submit(request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request.add_categories("SOCIAL_SITUATION");
  EXPECT_EQ(rpc::ReasonOf(world.Submit(request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  EXPECT_TRUE(world.consent.asked.empty());
  request.add_categories("CONTACT");
  EXPECT_TRUE(world.Submit(request).ok());
}

v1::SubmitRequest Exit(const World& world, const std::string& request_id) {
  v1::SubmitRequest request = world.Note(request_id);
  request.clear_categories();
  request.add_categories("OFFENCE");
  common::v1::Date& day = *request.mutable_content()->mutable_planned_exit()->mutable_leaving_on();
  day.set_year(2026);
  day.set_month(11);
  day.set_day(20);
  common::v1::StatedGround& stated = *request.mutable_stated_ground();
  stated.set_ground(common::v1::GROUND_AUTHORISED_EXIT);
  stated.set_signal_type("PLANNED_EXIT");
  stated.set_event("PRISON");
  *stated.mutable_event_day() = day;
  return request;
}

// D-2.7: the recipient sees that she leaves, and the day.
TEST(Submit, OfDataOnOffencesAPlannedExitGoes) {
  World world;
  const v1::SubmitRequest request = Exit(world, "e1");
  const auto response = world.Submit(request);
  ASSERT_TRUE(response.ok()) << response.status();
  world.Settle();
  const auto pulled = world.Pull();
  ASSERT_EQ(pulled.size(), 1u);
  EXPECT_EQ(pulled[0].content().SerializeAsString(), request.content().SerializeAsString());
  EXPECT_EQ(pulled[0].marks_size(), 0);
  EXPECT_EQ(pulled[0].ground(), common::v1::GROUND_AUTHORISED_EXIT);
  // What is judged at delivery is what was stated, the day among it.
  EXPECT_EQ(world.consent.asked.back().stated_ground().SerializeAsString(),
            request.stated_ground().SerializeAsString());
}

TEST(Submit, OfDataOnOffencesNothingElseGoes) {
  World world;
  const auto refused = [&](const std::function<void(v1::SubmitRequest&)>& change) {
    v1::SubmitRequest request = Exit(world, "e1");
    change(request);
    const absl::Status status = world.Submit(request).status();
    EXPECT_EQ(rpc::ReasonOf(status), common::v1::ERROR_REASON_INVALID_FIELDS) << status;
    return std::string(status.message());
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(refused([](auto& r) { r.mutable_content()->mutable_note()->set_text("libérée"); }),
              HasSubstr("content"));
  EXPECT_THAT(refused([](auto& r) {
                r.mutable_content()->mutable_distress_report()->set_facts("libérée");
                r.add_categories("SOCIAL_SITUATION");
                r.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
              }),
              HasSubstr("content"));
  EXPECT_THAT(refused([](auto& r) { r.add_categories("IDENTITY"); }), HasSubstr("categories"));
  EXPECT_THAT(refused([](auto& r) { r.set_categories(0, "SOCIAL_SITUATION"); }), HasSubstr("categories"));
  EXPECT_THAT(refused([](auto& r) { r.add_marks("RECIDIVE"); }), HasSubstr("marks"));
  EXPECT_THAT(refused([](auto& r) { r.clear_stated_ground(); }), HasSubstr("stated_ground.ground"));
  EXPECT_THAT(refused([](auto& r) { r.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1); }),
              HasSubstr("stated_ground.ground"));
  EXPECT_THAT(refused([](auto& r) { r.mutable_stated_ground()->mutable_event_day()->set_day(21); }),
              HasSubstr("stated_ground.event_day"));
  EXPECT_THAT(refused([](auto& r) { r.mutable_content()->mutable_planned_exit()->clear_leaving_on(); }),
              HasSubstr("stated_ground.event_day"));
  EXPECT_TRUE(world.consent.asked.empty());
}

// api.md: it never pages, discloses or counts.
TEST(Submit, AnExerciseIsAboutNobodyAndAsksNothing) {
  World world;
  v1::SubmitRequest request = world.Note("x1");
  request.set_exercise(true);
  request.set_desk("");
  request.mutable_situation()->set_postal_code("75013");
  request.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  request.mutable_stated_ground()->set_facts("Coups entendus");
  request.set_want_proof(true);
  world.consent.permits = [](const auto&) { return false; };
  const auto sent = world.Submit(request);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), "dsol-75113");
  const auto proof = audit::VerifyProof(sent->written().proof(), {world.harness().verify_key()});
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_TRUE(proof->leaf.header.exercise());
  EXPECT_EQ(proof->leaf.header.decision(), common::v1::DECISION_UNSPECIFIED);
  EXPECT_EQ(proof->details->subject().kind(), audit::v1::Subject::KIND_UNSPECIFIED);
  world.Settle();
  const auto messages = world.Pull();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].exercise());
  EXPECT_FALSE(messages[0].has_person());
  EXPECT_TRUE(messages[0].content().has_note());
  EXPECT_EQ(messages[0].content().note().text(), "");
  EXPECT_EQ(messages[0].ground(), common::v1::GROUND_CP_226_14_1);
  EXPECT_EQ(messages[0].permit_id(), "");
  ASSERT_TRUE(world.Ack(messages[0].message_id()).ok());
  ASSERT_TRUE(world.Take(messages[0].message_id()).ok());
  EXPECT_TRUE(world.consent.asked.empty());
  // A withdrawal of hers has nothing to pull back; a repetition is the same message.
  world.Withdraws(1);
  world.Settle();
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 0u);
  const auto again = world.Submit(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->message_id(), sent->message_id());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u);
  // For real she has to be named.
  v1::SubmitRequest real = world.Note("r1");
  real.clear_person();
  EXPECT_EQ(rpc::ReasonOf(world.Submit(real).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

// It says nothing of who follows her, and rouses nobody at night.
TEST(Submit, AnExerciseGoesToTheDeskOfTheTerritoryByDay) {
  World world;
  const absl::Time night = world.sim().Now() + absl::Hours(12);
  world.sim().RunFor(night - world.sim().Now());
  v1::SubmitRequest request = world.Note("x1");
  request.clear_person();
  request.set_exercise(true);
  request.set_desk("");
  request.set_urgency(v1::URGENCY_SERIOUS);
  request.mutable_situation()->set_postal_code("75013");
  const auto sent = world.Submit(request);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), "dsol-75113");
  v1::SubmitRequest real = world.Note("r1");
  real.set_desk("");
  real.set_urgency(v1::URGENCY_SERIOUS);
  real.mutable_situation()->set_postal_code("75013");
  const auto paged = world.Submit(real);
  ASSERT_TRUE(paged.ok()) << paged.status();
  EXPECT_NE(paged->desk(), "dsol-75113");
}

TEST(Submit, AReferentProposalIsRoutingsOwn) {
  World world;
  v1::SubmitRequest request = world.Note("s1");
  request.mutable_content()->mutable_referent_proposal()->set_referent_id(std::string(32, 'a'));
  EXPECT_EQ(rpc::ReasonOf(world.Submit(request).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  request.mutable_person()->set_person_id(World::Person(1).ToBytes());
  const auto by_service = world.Run(world.service().routing().Submit(world.AsService("alerting"), request));
  EXPECT_EQ(rpc::ReasonOf(by_service.status()), common::v1::ERROR_REASON_INVALID_FIELDS);
}

}  // namespace
}  // namespace relais::routing
