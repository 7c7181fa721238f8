#include "services/consent/handlers/agreement_handlers.h"

#include <gtest/gtest.h>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using testing::SimWorld;

std::string FieldOf(const absl::Status& status) { return std::string(status.message()); }

TEST(RecordConsent, AnInstitutionCannotTakeTheRequestIdOfAService) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "relais.test/alerting/1:7:1")).ok());
  v1::RecordConsentRequest request =
      SimWorld::ConsentFor(world.RawRef(world.IdOf(person)), "relais.test/alerting/1:7:1");
  request.mutable_lines(0)->set_categories(0, "ADDRESS");
  *request.mutable_acting() = SimWorld::Acting("ville-paris");
  const auto run = [&] {
    return world.Run(world.service().agreements().RecordConsent(world.AsService("alerting"), request));
  };
  const auto recorded = run();
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  // Its own repetition still finds it.
  const auto again = run();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->consent_id(), recorded->consent_id());
}

TEST(RecordConsent, PermitsFromThenOnAndSaysSoInTheLog) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  request.set_want_proof(true);
  const auto response = world.Record(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->consent_id().size(), 32u);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  // The receipt is proved offline, and its leaf says what she agreed to.
  const auto verified = audit::VerifyProof(response->written().proof(), {world.harness().verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  ASSERT_TRUE(verified->details.has_value());
  v1::ConsentRecorded recorded;
  ASSERT_TRUE(verified->details->payload().UnpackTo(&recorded));
  EXPECT_EQ(recorded.consent().consent_id(), response->consent_id());
  EXPECT_EQ(recorded.consent().collector().institution(), "ville-paris");
  EXPECT_EQ(recorded.consent().notice().language(), "fr");
  EXPECT_EQ(recorded.consent().valid_until().seconds(),
            absl::ToUnixSeconds(testing::StoryStart() + absl::Hours(24 * 365)));
}

// What the rules of the fields allow is more than a leaf holds; what is recorded fits one.
TEST(RecordConsent, AndItsWithdrawalFitALeaf) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  const v1::ConsentLine line = [&request] {
    v1::ConsentLine longest = request.lines(0);
    while (longest.recipients_size() < 50) {
      longest.add_recipients()->set_kind("DEPARTEMENT_SOCIAL");
    }
    return longest;
  }();
  request.clear_lines();
  while (request.lines_size() < 50) {
    *request.add_lines() = line;
  }
  const auto refused = world.Record(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(FieldOf(refused.status()).find("lines"), std::string::npos) << refused.status();
  while (request.ByteSizeLong() > 39'000) {
    request.mutable_lines()->RemoveLast();
  }
  EXPECT_TRUE(world.Record(request).ok());
  // More agreements than a leaf could name.
  for (int i = 0; i < 600; ++i) {
    ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "n" + std::to_string(i))).ok());
  }
  const auto withdrawn = world.WithdrawAll(person, "w1");
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_EQ(withdrawn->consent_ids_size(), 601);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
}

TEST(RecordConsent, HoldsAcrossARestart) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  world.Restart();
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  world.harness().sim().RunFor(absl::Hours(24 * 366));
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
}

TEST(RecordConsent, RepetitionGivesTheSameAnswerAndOneLeaf) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto first = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(first.ok());
  world.harness().sim().RunFor(absl::Seconds(3));
  world.Restart();
  const auto again = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 1u);
  v1::RecordConsentRequest other = SimWorld::ConsentFor(person, "c1");
  other.mutable_lines(0)->set_categories(0, "ADDRESS");
  EXPECT_EQ(rpc::ReasonOf(world.Record(other).status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST(RecordConsent, NamesWhatIsWrong) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto fails = [&](const std::function<void(v1::RecordConsentRequest&)>& change) {
    v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "bad");
    change(request);
    const auto response = world.Record(request);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument) << response.status();
    return FieldOf(response.status());
  };
  EXPECT_NE(fails([](auto& r) { r.clear_lines(); }).find("lines"), std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_purposes(); }).find("lines[0].purposes"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_categories(); }).find("lines[0].categories"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_recipients(); }).find("lines[0].recipients"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->clear_acts(); }).find("lines[0].acts"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->add_purposes("FRAUD"); }).find("lines[0].purposes[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->add_categories("NOPE"); }).find("lines[0].categories[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) {
              r.mutable_lines(0)->add_recipients()->set_institution("nope");
            }).find("lines[0].recipients[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) {
              r.mutable_lines(0)->add_recipients()->set_kind("NOPE");
            }).find("recipients[1].kind"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_lines(0)->add_recipients(); }).find("recipients[1]"),
            std::string::npos);
  EXPECT_NE(
      fails([](auto& r) { r.mutable_lines(0)->add_categories("HEALTH"); }).find("lines[0].categories[1]"),
      std::string::npos);
  EXPECT_NE(fails([](auto& r) {
              r.set_explicit_(true);
              r.mutable_lines(0)->add_categories("OFFENCE");
            }).find("lines[0].categories[1]"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.set_method(v1::METHOD_SPOKEN_ON_SITE); }).find("source_reference"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_notice()->set_sha256("short"); }).find("notice.sha256"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_valid_from()->set_seconds(4102444800); }).find("valid_from"),
            std::string::npos);
  EXPECT_NE(fails([](auto& r) { r.mutable_valid_until()->set_seconds(4102444800); }).find("valid_until"),
            std::string::npos);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_RECORDED), 0u);
}

TEST(RecordConsent, SpecialCategoriesExplicitly) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  request.mutable_lines(0)->set_categories(0, "HEALTH");
  request.set_explicit_(true);
  ASSERT_TRUE(world.Record(request).ok());
  v1::CheckRequest check = SimWorld::CheckFor(person);
  check.set_categories(0, "HEALTH");
  EXPECT_EQ(world.Decision(check), DECISION_PERMIT);
}

TEST(RecordConsent, ABrigadesReportIsLimitedToItselfAndThreeMonths) {
  SimWorld world;
  const Id128 id = world.IdOf(world.NewPerson("case-1"));
  v1::RecordConsentRequest request = SimWorld::ConsentFor(world.RawRef(id), "c1");
  request.set_method(v1::METHOD_SPOKEN_ON_SITE);
  request.set_source_reference("BSPP-1");
  *request.mutable_acting() = SimWorld::Acting("bspp");
  const rpc::Call alerting = world.AsService("alerting");
  ASSERT_TRUE(world.Run(world.service().agreements().RecordConsent(alerting, request)).ok());
  v1::CheckRequest check = SimWorld::CheckFor(world.RawRef(id));
  const auto decide = [&] { return world.Run(world.service().checks().Check(alerting, check))->decision(); };
  EXPECT_EQ(decide(), DECISION_DENY);
  check.mutable_stated_ground()->set_ground(common::v1::GROUND_AGREEMENT);
  check.mutable_stated_ground()->set_source_reference("BSPP-1");
  EXPECT_EQ(decide(), DECISION_DENY);  // somebody else's reference of that name
  check.mutable_sender()->set_institution("bspp");
  EXPECT_EQ(decide(), DECISION_PERMIT);
  world.harness().sim().RunFor(absl::Hours(24 * 93));
  EXPECT_EQ(decide(), DECISION_DENY);
}

TEST(RecordConsent, UnknownPersonsAndForeignHandles) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  EXPECT_EQ(
      rpc::ReasonOf(world.Run(world.service().agreements().RecordConsent(world.As("caf"), request)).status()),
      common::v1::ERROR_REASON_NOT_YOUR_HANDLE);
  const Id128 nobody = world.harness().random().Id();
  *request.mutable_person() = rpc::HandleFor(world.context(), "ville-paris", nobody);
  EXPECT_EQ(rpc::ReasonOf(world.Record(request).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST(RecordRefusal, DeniesWhateverWasAgreedBefore) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  v1::RecordRefusalRequest request;
  request.set_request_id("n1");
  *request.mutable_person() = person;
  request.add_lines()->add_categories("IDENTITY");
  const auto response =
      world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->refusal_id().size(), 32u);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  const auto again = world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), request));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), response->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_REFUSAL_RECORDED), 1u);
  // In the same instant of a stopped clock a later agreement still comes after it.
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c2")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
}

// D-2.8: the person signs; nobody says no in her place.
TEST(Refusals, NobodySpeaksUnderCuratelleOrSauvegarde) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto agreed = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(agreed.ok());
  v1::RecordRefusalRequest refusal;
  *refusal.mutable_person() = person;
  refusal.add_lines();
  v1::WithdrawConsentRequest withdrawal;
  *withdrawal.mutable_person() = person;
  withdrawal.set_consent_id(agreed->consent_id());
  const auto refuse = [&](const std::string& id, v1::Representation by) {
    refusal.set_request_id(id);
    refusal.set_said_by(by);
    return world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).status();
  };
  const auto withdraw = [&](const std::string& id, v1::Representation by) {
    withdrawal.set_request_id(id);
    withdrawal.set_said_by(by);
    return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), withdrawal))
        .status();
  };
  for (const v1::Representation by : {v1::REPRESENTATION_CURATELLE, v1::REPRESENTATION_SAUVEGARDE_JUSTICE,
                                      static_cast<v1::Representation>(99)}) {
    for (const absl::Status& status : {refuse("n1", by), withdraw("w1", by)}) {
      EXPECT_EQ(rpc::ReasonOf(status), common::v1::ERROR_REASON_INVALID_FIELDS);
      EXPECT_NE(FieldOf(status).find("said_by"), std::string::npos) << status;
    }
  }
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_REFUSAL_RECORDED), 0u);
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  EXPECT_TRUE(withdraw("w2", v1::REPRESENTATION_TUTELLE).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
}

TEST(WithdrawConsent, ByAgreementByLinesAndAtAnyDesk) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto first = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(first.ok());
  // At CAF, which knows her by its own handle.
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  request.set_consent_id(first->consent_id());
  const auto response = world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), request));
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->consent_ids_size(), 1);
  EXPECT_EQ(response->consent_ids(0), first->consent_id());
  const auto named = [&] {
    v1::ConsentWithdrawn payload;
    bool found = false;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      found = leaf.details.payload().UnpackTo(&payload) || found;  // the last one
    }
    EXPECT_TRUE(found);
    return payload.consent_id();
  };
  EXPECT_EQ(named(), first->consent_id());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);

  const auto second = world.Record(SimWorld::ConsentFor(person, "c2"));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
  const auto all = world.WithdrawAll(person, "w2");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->consent_ids_size(), 2);
  EXPECT_EQ(named(), "");
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  const auto repeated = world.WithdrawAll(person, "w2");
  ASSERT_TRUE(repeated.ok());
  EXPECT_EQ(repeated->SerializeAsString(), all->SerializeAsString());
}

TEST(WithdrawConsent, RefusesAnUnknownAgreementAndNothingAtAll) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = person;
  const auto run = [&] {
    return world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request))
        .status()
        .code();
  };
  EXPECT_EQ(run(), absl::StatusCode::kInvalidArgument);
  request.set_consent_id(std::string(32, 'a'));
  EXPECT_EQ(run(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_CONSENT_WITHDRAWN), 0u);
}

TEST(Acts, LeaveNoTraceWhenTheyWereNotDurable) {
  auto options = SimWorld::DefaultOptions();
  auto armed = std::make_shared<bool>(false);
  options.store.crash_at = [armed](uint64_t at) { return *armed && at % 2 == 0; };  // before the commit
  SimWorld world(options);
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  *armed = true;
  EXPECT_EQ(world.Record(SimWorld::ConsentFor(person, "c1")).status().code(), absl::StatusCode::kUnavailable);
  world.Restart();
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_DENY);
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  EXPECT_EQ(world.Decision(SimWorld::CheckFor(person)), DECISION_PERMIT);
}

}  // namespace
}  // namespace relais::consent
