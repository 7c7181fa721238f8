#include "services/consent/handlers/erasure_notice_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "relais/consent/v1/events.pb.h"
#include "services/consent/erasure_notices.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using audit::v1::EVENT_CLASS_ERASURE_ANSWERED;
using audit::v1::EVENT_CLASS_ERASURE_ASKED;
using common::v1::DECISION_PERMIT;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SimWorld;

// She agreed that the Ville gives her identity to CAF and to Emmaüs; CAF's was given.
class ErasureNoticesTest : public ::testing::Test {
 protected:
  ErasureNoticesTest() {
    v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, "c1");
    consent.mutable_lines(0)->add_recipients()->set_institution("emmaus");
    const auto recorded = world.Record(consent);
    SimWorld::Require(recorded.status());
    consent_id = recorded->consent_id();
  }

  void Permit(const std::string& recipient, bool exercise = false) {
    v1::CheckRequest check = SimWorld::CheckFor(person, false);
    check.set_request_id("p" + std::to_string(++requests));
    check.mutable_recipient()->set_institution(recipient);
    check.set_exercise(exercise);
    ASSERT_EQ(world.Decision(check), DECISION_PERMIT);
  }
  std::string Withdraw(const v1::ConsentLine& line = {}) {
    v1::WithdrawConsentRequest request;
    request.set_request_id("w" + std::to_string(++requests));
    *request.mutable_person() = person;
    *request.add_lines() = line;
    const auto withdrawn =
        world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
    SimWorld::Require(withdrawn.status());
    return withdrawn->withdrawal_id();
  }
  void Follow() {
    ErasureNotices notices(world.service().registry());
    world.Follow(notices);
  }
  std::vector<v1::Duty> Owed(const std::string& as, bool overdue_only = false) {
    v1::ListObligationsRequest request;
    request.set_kind(v1::DUTY_KIND_ANSWER_ERASURE);
    request.set_overdue_only(overdue_only);
    const auto page = world.Run(world.service().duties().ListObligations(world.As(as), request));
    SimWorld::Require(page.status());
    return {page->obligations().begin(), page->obligations().end()};
  }
  v1::AnswerErasureNoticeRequest AnswerTo(const v1::Duty& duty, v1::ErasureOutcome outcome,
                                          const std::string& reasons = "") {
    v1::AnswerErasureNoticeRequest request;
    request.set_request_id("a" + std::to_string(++requests));
    *request.mutable_person() = duty.person();
    request.set_notice_id(duty.notice_id());
    request.set_outcome(outcome);
    request.set_reasons(reasons);
    return request;
  }
  absl::StatusOr<v1::AnswerErasureNoticeResponse> Answer(const std::string& as,
                                                         const v1::AnswerErasureNoticeRequest& request) {
    return world.Run(world.service().erasure_notices().AnswerErasureNotice(world.As(as), request));
  }
  std::map<std::string, v1::WithdrawnRecipient> StatusOf(const std::string& withdrawal) {
    v1::GetWithdrawalStatusRequest request;
    *request.mutable_person() = person;
    request.set_withdrawal_id(withdrawal);
    const auto status =
        world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("ville-paris"), request));
    SimWorld::Require(status.status());
    std::map<std::string, v1::WithdrawnRecipient> recipients;
    for (const v1::WithdrawnRecipient& recipient : status->recipients()) {
      recipients[recipient.institution()] = recipient;
    }
    return recipients;
  }

  SimWorld world;
  common::v1::PersonRef person = world.NewPerson("case-1");
  std::string consent_id;
  int requests = 0;
};

// D-2.7, RGPD art. 17 and 19: who had a permit is asked once, to answer within a month.
TEST_F(ErasureNoticesTest, AWithdrawalAsksWhoHadAPermitOnceAndNobodyElse) {
  Permit("caf");
  Permit("caf");
  Permit("emmaus", true);  // an exercise discloses nothing
  const std::string withdrawal = Withdraw();
  EXPECT_THAT(Owed("caf"), IsEmpty());
  EXPECT_FALSE(StatusOf(withdrawal)["caf"].has_erasure_asked());
  Follow();
  Follow();
  world.Restart();
  const std::vector<v1::Duty> owed = Owed("caf");
  ASSERT_EQ(owed.size(), 1u);
  EXPECT_EQ(owed[0].person().handle(), rpc::HandleFor(world.context(), "caf", world.IdOf(person)).handle());
  ASSERT_EQ(owed[0].erase_size(), 1);
  EXPECT_EQ(owed[0].erase(0).purpose(), "RIGHTS_OPENING");
  EXPECT_THAT(owed[0].erase(0).categories(), ElementsAre("IDENTITY"));
  EXPECT_FALSE(owed[0].overdue());
  EXPECT_THAT(Owed("emmaus"), IsEmpty());
  EXPECT_THAT(Owed("ville-paris"), IsEmpty());
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ASKED), 1u);
  EXPECT_TRUE(StatusOf(withdrawal)["caf"].has_erasure_asked());
  EXPECT_THAT(Owed("caf", true), IsEmpty());
  world.harness().sim().RunFor(absl::Hours(24 * 31));
  ASSERT_EQ(Owed("caf", true).size(), 1u);
  EXPECT_TRUE(Owed("caf", true)[0].overdue());
}

TEST_F(ErasureNoticesTest, TheFollowerDoesItByItself) {
  ASSERT_TRUE(world.service().Start().ok());
  Permit("caf");
  Withdraw();
  world.harness().sim().RunFor(absl::Seconds(2));
  EXPECT_EQ(Owed("caf").size(), 1u);
  world.Run(world.service().Stop());
}

// What she takes back from one is no notice to another.
TEST_F(ErasureNoticesTest, OnlyWhatIsTakenBackIsToBeErased) {
  Permit("caf");
  Permit("emmaus");
  v1::ConsentLine from_emmaus;
  from_emmaus.add_recipients()->set_institution("emmaus");
  Withdraw(from_emmaus);
  Follow();
  EXPECT_THAT(Owed("caf"), IsEmpty());
  EXPECT_EQ(Owed("emmaus").size(), 1u);
}

// What was asked is not asked again by another no; what was given since is.
TEST_F(ErasureNoticesTest, ASecondNoAsksOnlyForWhatCameSince) {
  Permit("caf");
  Withdraw();
  Withdraw();
  Follow();
  ASSERT_EQ(Owed("caf").size(), 1u);
  ASSERT_TRUE(Answer("caf", AnswerTo(Owed("caf")[0], v1::ERASURE_OUTCOME_ERASED)).ok());
  Withdraw();
  Follow();
  EXPECT_THAT(Owed("caf"), IsEmpty());
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c2")).ok());
  Permit("caf");
  Withdraw();
  Follow();
  EXPECT_EQ(Owed("caf").size(), 1u);
}

// She takes it back and gives it again before anybody was asked.
TEST_F(ErasureNoticesTest, WhatSheGivesAgainIsNotToBeErased) {
  Permit("caf");
  Withdraw();
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c2")).ok());
  Follow();
  EXPECT_THAT(Owed("caf"), IsEmpty());
}

// D-2.6.2, ADR 50: by an agreement's number she takes back what another one on the same lines permitted, too;
// what it has beside them goes on. Another desk's agreement is not named to who recorded it.
TEST_F(ErasureNoticesTest, ByNumberAsksForWhatIsDeniedFromThenOn) {
  Permit("caf");
  Permit("emmaus");
  const auto second = world.Record(SimWorld::ConsentFor(person, "c2"));
  ASSERT_TRUE(second.ok());
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  request.set_consent_id(second->consent_id());
  const auto withdrawn = world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), request));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_THAT(withdrawn->consent_ids(), ElementsAre(second->consent_id()));
  v1::CheckRequest check = SimWorld::CheckFor(person);
  EXPECT_NE(world.Decision(check), DECISION_PERMIT);
  check.mutable_recipient()->set_institution("emmaus");
  EXPECT_EQ(world.Decision(check), DECISION_PERMIT);
  Follow();
  EXPECT_EQ(Owed("caf").size(), 1u);
  EXPECT_THAT(Owed("emmaus"), IsEmpty());
  v1::GetWithdrawalStatusRequest asked;
  *asked.mutable_person() = request.person();
  asked.set_withdrawal_id(withdrawn->withdrawal_id());
  const auto status = world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("caf"), asked));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_THAT(status->consent_ids(), ElementsAre(second->consent_id()));
  ASSERT_EQ(status->recipients_size(), 1);
  EXPECT_EQ(status->recipients(0).institution(), "caf");
  EXPECT_EQ(status->recipients(0).permits(), 1u);
  EXPECT_TRUE(status->recipients(0).has_erasure_asked());
}

// ADR 71, ADR 50: also where it was asked about one agreement, and she takes back another one on its lines.
TEST_F(ErasureNoticesTest, ByNumberAsksForWhatWasPermittedOnTheOneAskedAbout) {
  const auto second = world.Record(SimWorld::ConsentFor(person, "c2"));
  ASSERT_TRUE(second.ok());
  v1::CheckRequest check = SimWorld::CheckFor(person, false);
  check.set_consent_id(consent_id);
  ASSERT_EQ(world.Decision(check), DECISION_PERMIT);
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = person;
  request.set_consent_id(second->consent_id());
  ASSERT_TRUE(world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request)).ok());
  EXPECT_NE(world.Decision(check), DECISION_PERMIT);
  Follow();
  EXPECT_EQ(Owed("caf").size(), 1u);
}

// Who collected both is told of both.
TEST_F(ErasureNoticesTest, ByNumberNamesTheCollectorsOwn) {
  const auto second = world.Record(SimWorld::ConsentFor(person, "c2"));
  ASSERT_TRUE(second.ok());
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = person;
  request.set_consent_id(second->consent_id());
  const auto withdrawn =
      world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_THAT(withdrawn->consent_ids(), ElementsAre(second->consent_id(), consent_id));
}

// Nobody is named another's agreement, by lines either.
TEST_F(ErasureNoticesTest, ByLinesNamesTheWithdrawingDesksOwnAlone) {
  Permit("caf");
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  request.add_lines();
  const auto withdrawn = world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), request));
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  EXPECT_THAT(withdrawn->consent_ids(), IsEmpty());
  v1::GetWithdrawalStatusRequest asked;
  *asked.mutable_person() = request.person();
  asked.set_withdrawal_id(withdrawn->withdrawal_id());
  const auto status = world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("caf"), asked));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_THAT(status->consent_ids(), IsEmpty());
  EXPECT_EQ(status->recipients_size(), 1) << "who received is known all the same";
}

// Nor in its leaf, which the desk's DPO opens, and whoever has its proof: all that was touched is in one of
// the registry's own, which no answer gives (ADR 50).
TEST_F(ErasureNoticesTest, ByLinesTheLeafNamesTheWithdrawingDesksOwnAlone) {
  v1::WithdrawConsentRequest request;
  request.set_request_id("w1");
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  request.add_lines();
  request.set_want_proof(true);
  const auto withdraw = [&] {
    return world.Run(world.service().agreements().WithdrawConsent(world.As("caf"), request));
  };
  const auto withdrawn = withdraw();
  ASSERT_TRUE(withdrawn.ok()) << withdrawn.status();
  const auto again = withdraw();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), withdrawn->SerializeAsString()) << "nor does a repetition";
  const std::vector<audit::OpenedLeaf> leaves = world.Leaves();
  const audit::OpenedLeaf& said = leaves.at(leaves.size() - 2);
  const audit::OpenedLeaf& touched = leaves.back();
  EXPECT_EQ(withdrawn->written().proof().leaf_index(), said.index);
  EXPECT_EQ(withdrawn->written().revision(), world.log().Revision(said.index + 1));
  EXPECT_EQ(said.leaf.header.institution(), "caf");
  v1::ConsentWithdrawn payload;
  ASSERT_TRUE(said.details.payload().UnpackTo(&payload));
  EXPECT_THAT(payload.consent_ids(), IsEmpty());
  EXPECT_EQ(touched.leaf.header.event_class(), audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED);
  EXPECT_EQ(touched.leaf.header.institution(), "service/consent");
  EXPECT_NE(touched.leaf.header.event_id(), said.leaf.header.event_id());
  EXPECT_FALSE(touched.details.has_recipient());
  EXPECT_EQ(touched.details.subject().id(), world.IdOf(person).ToBytes());
  v1::AgreementsTouched all;
  ASSERT_TRUE(touched.details.payload().UnpackTo(&all));
  EXPECT_EQ(all.withdrawal_id(), withdrawn->withdrawal_id());
  EXPECT_THAT(all.consent_ids(), ElementsAre(consent_id));
}

// There is one whether or not anything is unsaid: its being there tells nothing. By number there is none.
TEST_F(ErasureNoticesTest, EachWithdrawalByLinesHasSuchALeaf) {
  ASSERT_TRUE(world.WithdrawAll(person, "w1").ok());
  ASSERT_TRUE(world.WithdrawAll(person, "w2").ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED), 2u);
  v1::WithdrawConsentRequest request;
  request.set_request_id("w3");
  *request.mutable_person() = person;
  request.set_consent_id(consent_id);
  ASSERT_TRUE(world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request)).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_AGREEMENTS_TOUCHED), 2u);
}

// D-2.6.2: a refusal ends what she had agreed to, as a withdrawal does.
TEST_F(ErasureNoticesTest, ARefusalAsksToo) {
  Permit("caf");
  v1::RecordRefusalRequest refusal;
  refusal.set_request_id("r1");
  *refusal.mutable_person() = person;
  refusal.add_lines();
  ASSERT_TRUE(world.Run(world.service().agreements().RecordRefusal(world.As("ville-paris"), refusal)).ok());
  Follow();
  EXPECT_EQ(Owed("caf").size(), 1u);
}

// Her no after the collector's end: the end buried nothing.
TEST_F(ErasureNoticesTest, ANoAfterTheCollectorsEndAsks) {
  Permit("caf");
  v1::WithdrawConsentRequest end;
  end.set_request_id("t1");
  *end.mutable_person() = person;
  end.set_consent_id(consent_id);
  end.set_end(v1::CONSENT_END_TERMINATED);
  ASSERT_TRUE(world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), end)).ok());
  Withdraw();
  Follow();
  EXPECT_EQ(Owed("caf").size(), 1u);
}

// What the collector ends was rightly given; what an authority declares invalid never was (D-2.12).
TEST_F(ErasureNoticesTest, AnEndAsksNobodyAndAnInvalidAgreementAsks) {
  Permit("caf");
  v1::WithdrawConsentRequest request;
  *request.mutable_person() = person;
  request.set_consent_id(consent_id);
  const auto end = [&](const std::string& id, v1::ConsentEnd how) {
    request.set_request_id(id);
    request.set_end(how);
    request.set_decision_reference(how == v1::CONSENT_END_INVALIDATED ? "TJ-75-2026-12" : "");
    const auto ended =
        world.Run(world.service().agreements().WithdrawConsent(world.As("ville-paris"), request));
    ASSERT_TRUE(ended.ok()) << ended.status();
    Follow();
  };
  end("t1", v1::CONSENT_END_TERMINATED);
  EXPECT_THAT(Owed("caf"), IsEmpty());
  end("t2", v1::CONSENT_END_INVALIDATED);
  EXPECT_EQ(Owed("caf").size(), 1u);
}

TEST_F(ErasureNoticesTest, AnAnswerMeetsItAndErasedIsFinal) {
  Permit("caf");
  const std::string withdrawal = Withdraw();
  Follow();
  const v1::Duty duty = Owed("caf").at(0);
  const v1::AnswerErasureNoticeRequest kept =
      AnswerTo(duty, v1::ERASURE_OUTCOME_KEPT, "CSS art. L.114-19, contrôle en cours");
  const auto answered = Answer("caf", kept);
  ASSERT_TRUE(answered.ok()) << answered.status();
  EXPECT_EQ(Answer("caf", kept)->SerializeAsString(), answered->SerializeAsString());
  EXPECT_THAT(Owed("caf"), IsEmpty());
  EXPECT_EQ(StatusOf(withdrawal)["caf"].erasure_outcome(), v1::ERASURE_OUTCOME_KEPT);
  EXPECT_TRUE(Answer("caf", AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED)).ok());
  EXPECT_EQ(StatusOf(withdrawal)["caf"].erasure_outcome(), v1::ERASURE_OUTCOME_ERASED);
  EXPECT_TRUE(StatusOf(withdrawal)["caf"].has_erasure_answered());
  EXPECT_EQ(rpc::ReasonOf(Answer("caf", AnswerTo(duty, v1::ERASURE_OUTCOME_NOT_HELD)).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ANSWERED), 2u);
  Follow();
  EXPECT_THAT(Owed("caf"), IsEmpty()) << "what is answered is not asked again";
}

TEST_F(ErasureNoticesTest, NobodyAnswersForAnotherAndAnswersAreWhole) {
  Permit("caf");
  Withdraw();
  Follow();
  const v1::Duty duty = Owed("caf").at(0);
  v1::AnswerErasureNoticeRequest request = AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED);
  *request.mutable_person() = person;  // the Ville's handle
  EXPECT_EQ(rpc::ReasonOf(Answer("ville-paris", request).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  request = AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED);
  request.set_notice_id(std::string(32, '0'));
  EXPECT_EQ(rpc::ReasonOf(Answer("caf", request).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  for (const auto& wrong :
       {AnswerTo(duty, v1::ERASURE_OUTCOME_KEPT), AnswerTo(duty, v1::ERASURE_OUTCOME_ERASED, "parce que"),
        AnswerTo(duty, v1::ERASURE_OUTCOME_UNSPECIFIED)}) {
    EXPECT_EQ(Answer("caf", wrong).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(world.Count(EVENT_CLASS_ERASURE_ANSWERED), 0u);
  EXPECT_EQ(Owed("caf").size(), 1u);
}

// D-2.6.6: not justified → erase and inform.
TEST_F(ErasureNoticesTest, AnEmergencyJudgedToBeNoneAsksItsReceiver) {
  v1::DeclareRequest declared;
  declared.set_request_id("e1");
  *declared.mutable_person() = person;
  declared.mutable_recipient()->set_institution("aphp");
  declared.add_categories("IDENTITY");
  declared.set_facts("Inconsciente, seule au domicile.");
  declared.set_person_unable(true);
  declared.set_danger_serious(true);
  const auto emergency = world.Run(world.service().emergencies().Declare(world.As("ville-paris"), declared));
  ASSERT_TRUE(emergency.ok()) << emergency.status();
  Permit("aphp");
  v1::ReviewRequest review;
  review.set_request_id("v1");
  *review.mutable_person() = rpc::HandleFor(world.context(), "aphp", world.IdOf(person));
  review.set_emergency_id(emergency->emergency_id());
  review.set_outcome(v1::REVIEW_OUTCOME_NOT_JUSTIFIED);
  review.set_reasons("Vue au domicile, consciente.");
  ASSERT_TRUE(world.Run(world.service().emergencies().Review(world.As("aphp"), review)).ok());
  Follow();
  const std::vector<v1::Duty> owed = Owed("aphp");
  ASSERT_EQ(owed.size(), 1u);
  EXPECT_TRUE(Answer("aphp", AnswerTo(owed[0], v1::ERASURE_OUTCOME_NOT_HELD)).ok());
  EXPECT_THAT(Owed("aphp"), IsEmpty());
}

}  // namespace
}  // namespace relais::consent
