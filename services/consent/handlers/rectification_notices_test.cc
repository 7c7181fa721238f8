#include "services/consent/handlers/rectification_notices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/big_endian.h"
#include "relais/consent/v1/rights_events.pb.h"
#include "services/consent/duties.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using audit::v1::EVENT_CLASS_RECORD_RECTIFIED;
using audit::v1::EVENT_CLASS_RECTIFICATION_ANSWERED;
using common::v1::DECISION_PERMIT;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SimWorld;

// She agreed that the Ville gives her identity to CAF and to Emmaüs.
class RectificationNoticesTest : public ::testing::Test {
 protected:
  RectificationNoticesTest() {
    v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, "c1");
    consent.mutable_lines(0)->add_recipients()->set_institution("emmaus");
    SimWorld::Require(world.Record(consent).status());
  }

  void Permit(const std::string& recipient, bool exercise = false) {
    v1::CheckRequest check = SimWorld::CheckFor(person, false);
    check.set_request_id("p" + std::to_string(++requests));
    check.mutable_recipient()->set_institution(recipient);
    check.set_exercise(exercise);
    ASSERT_EQ(world.Decision(check), DECISION_PERMIT);
  }
  v1::RectifyRequest Rectification(const std::string& surname) {
    v1::RectifyRequest request;
    request.set_request_id("k" + std::to_string(++requests));
    *request.mutable_person() = person;
    request.mutable_traits()->set_surname(surname);
    request.add_clear("address");
    return request;
  }
  absl::StatusOr<v1::RectifyResponse> Rectify(const v1::RectifyRequest& request) {
    return world.Run(world.service().record_rights().Rectify(world.As("ville-paris"), request));
  }
  std::vector<v1::Duty> Owed(const std::string& as, bool overdue_only = false) {
    v1::ListObligationsRequest request;
    request.set_kind(v1::DUTY_KIND_ANSWER_RECTIFICATION);
    request.set_overdue_only(overdue_only);
    const auto page = world.Run(world.service().duties().ListObligations(world.As(as), request));
    SimWorld::Require(page.status());
    return {page->obligations().begin(), page->obligations().end()};
  }
  v1::AnswerRectificationNoticeRequest AnswerTo(const v1::Duty& duty, v1::RectificationOutcome outcome,
                                                const std::string& reasons = "") {
    v1::AnswerRectificationNoticeRequest request;
    request.set_request_id("a" + std::to_string(++requests));
    *request.mutable_person() = duty.person();
    request.set_notice_id(duty.notice_id());
    request.set_outcome(outcome);
    request.set_reasons(reasons);
    return request;
  }
  absl::StatusOr<v1::AnswerRectificationNoticeResponse> Answer(
      const std::string& as, const v1::AnswerRectificationNoticeRequest& request) {
    return world.Run(
        world.service().rectification_notices().AnswerRectificationNotice(world.As(as), request));
  }
  // The last leaf of a class, opened.
  audit::OpenedLeaf Last(audit::v1::EventClass event_class) {
    audit::OpenedLeaf last;
    for (const audit::OpenedLeaf& leaf : world.Leaves()) {
      if (leaf.leaf.header.event_class() == event_class) {
        last = leaf;
      }
    }
    return last;
  }

  SimWorld world;
  common::v1::PersonRef person = world.NewPerson("case-1", SimWorld::Marie());
  int requests = 0;
};

// D-2.7, RGPD art. 19: who had a permit is told once, of fields and never of values, and answers in a month.
TEST_F(RectificationNoticesTest, WhoHadAPermitOwesAnAnswerAndNobodyElse) {
  Permit("caf");
  Permit("caf");
  Permit("emmaus", true);  // an exercise discloses nothing
  const v1::RectifyRequest request = Rectification("Durant");
  const auto rectified = Rectify(request);
  ASSERT_TRUE(rectified.ok()) << rectified.status();
  EXPECT_THAT(rectified->to_tell(), ElementsAre("caf"));
  EXPECT_EQ(Rectify(request)->SerializeAsString(), rectified->SerializeAsString());
  world.Restart();
  const std::vector<v1::Duty> owed = Owed("caf");
  ASSERT_EQ(owed.size(), 1u);
  EXPECT_EQ(owed[0].person().handle(), rpc::HandleFor(world.context(), "caf", world.IdOf(person)).handle());
  EXPECT_EQ(owed[0].rectify().institution(), "ville-paris");
  EXPECT_THAT(owed[0].rectify().fields(), ElementsAre("address", "surname"));
  EXPECT_THAT(owed[0].ShortDebugString(), Not(HasSubstr("Dur")));
  EXPECT_TRUE(owed[0].erase().empty());
  EXPECT_FALSE(owed[0].overdue());
  EXPECT_THAT(Owed("emmaus"), IsEmpty());
  EXPECT_THAT(Owed("ville-paris"), IsEmpty());
  // The leaf addressed to it names the notice.
  v1::RecordRectified said;
  ASSERT_TRUE(Last(EVENT_CLASS_RECORD_RECTIFIED).details.payload().UnpackTo(&said));
  EXPECT_EQ(said.notice_id(), owed[0].notice_id());
  EXPECT_EQ(said.due().SerializeAsString(), owed[0].due().SerializeAsString());
  // 3 November: until the night of the 4th of December, Paris time.
  EXPECT_THAT(Owed("caf", true), IsEmpty());
  world.harness().sim().RunFor(absl::Hours(24 * 30));
  EXPECT_THAT(Owed("caf", true), IsEmpty());
  world.harness().sim().RunFor(absl::Hours(24 * 2));
  ASSERT_EQ(Owed("caf", true).size(), 1u);
  EXPECT_TRUE(Owed("caf", true)[0].overdue());
}

// D-3.1: a leaf that does not read keeps no other recipient from being told, nor her from being rectified.
TEST_F(RectificationNoticesTest, ALeafThatDoesNotReadKeepsNobodyElseFromBeingTold) {
  Permit("emmaus");
  const uint64_t torn = world.log().state().size - 1;
  Permit("caf");
  storage::MemoryDisk::Write damage;
  damage.version = world.harness().disk()->last_version();
  damage.rows.push_back({storage::LogTable::kLeaves, audit::IndexKey(torn), "torn"});
  world.harness().disk()->Apply(damage);
  const v1::RectifyRequest request = Rectification("Durant");
  const auto rectified = Rectify(request);
  ASSERT_TRUE(rectified.ok()) << rectified.status();
  EXPECT_THAT(rectified->to_tell(), ElementsAre("caf"));
  EXPECT_EQ(Rectify(request)->SerializeAsString(), rectified->SerializeAsString());
}

TEST_F(RectificationNoticesTest, EachRecipientIsToldOfItselfAlone) {
  Permit("caf");
  Permit("emmaus");
  ASSERT_TRUE(Rectify(Rectification("Durant")).ok());
  ASSERT_EQ(Owed("caf").size(), 1u);
  ASSERT_EQ(Owed("emmaus").size(), 1u);
  EXPECT_NE(Owed("caf")[0].notice_id(), Owed("emmaus")[0].notice_id());
  for (const audit::OpenedLeaf& leaf : world.Leaves()) {
    v1::RecordRectified said;
    if (leaf.details.payload().UnpackTo(&said) && leaf.details.has_recipient()) {
      EXPECT_THAT(said.to_tell(), ElementsAre(leaf.details.recipient().institution()));
    }
  }
  EXPECT_EQ(world.Count(EVENT_CLASS_RECORD_RECTIFIED), 3u);
}

TEST_F(RectificationNoticesTest, WhatChangesNothingTellsNobody) {
  Permit("caf");
  v1::RectifyRequest same = Rectification("Durand");
  same.clear_clear();
  ASSERT_TRUE(Rectify(same).ok());
  EXPECT_THAT(Owed("caf"), IsEmpty());
}

TEST_F(RectificationNoticesTest, AnAnswerMeetsItAndRectifiedIsFinal) {
  Permit("caf");
  ASSERT_TRUE(Rectify(Rectification("Durant")).ok());
  const v1::Duty duty = Owed("caf").at(0);
  const auto kept = AnswerTo(duty, v1::RECTIFICATION_OUTCOME_KEPT, "pièce d'identité vue le 3 novembre");
  const auto answered = Answer("caf", kept);
  ASSERT_TRUE(answered.ok()) << answered.status();
  EXPECT_EQ(Answer("caf", kept)->SerializeAsString(), answered->SerializeAsString());
  EXPECT_THAT(Owed("caf"), IsEmpty());
  EXPECT_TRUE(Answer("caf", AnswerTo(duty, v1::RECTIFICATION_OUTCOME_RECTIFIED)).ok());
  EXPECT_EQ(rpc::ReasonOf(Answer("caf", AnswerTo(duty, v1::RECTIFICATION_OUTCOME_NOT_HELD)).status()),
            common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(world.Count(EVENT_CLASS_RECTIFICATION_ANSWERED), 2u);
  // Who rectified reads what came of it.
  const audit::OpenedLeaf leaf = Last(EVENT_CLASS_RECTIFICATION_ANSWERED);
  EXPECT_EQ(leaf.leaf.header.institution(), "caf");
  EXPECT_EQ(leaf.details.recipient().institution(), "ville-paris");
  // Another rectification is another notice.
  ASSERT_TRUE(Rectify(Rectification("Durante")).ok());
  ASSERT_EQ(Owed("caf").size(), 1u);
  EXPECT_NE(Owed("caf")[0].notice_id(), duty.notice_id());
}

TEST_F(RectificationNoticesTest, NobodyAnswersForAnotherAndAnswersAreWhole) {
  Permit("caf");
  ASSERT_TRUE(Rectify(Rectification("Durant")).ok());
  const v1::Duty duty = Owed("caf").at(0);
  v1::AnswerRectificationNoticeRequest request = AnswerTo(duty, v1::RECTIFICATION_OUTCOME_RECTIFIED);
  *request.mutable_person() = person;  // the Ville's handle
  EXPECT_EQ(rpc::ReasonOf(Answer("ville-paris", request).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  request = AnswerTo(duty, v1::RECTIFICATION_OUTCOME_RECTIFIED);
  request.set_notice_id(std::string(32, '0'));
  EXPECT_EQ(rpc::ReasonOf(Answer("caf", request).status()), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  // Nor is one notice answered as the other.
  v1::AnswerErasureNoticeRequest erased;
  erased.set_request_id("e1");
  *erased.mutable_person() = duty.person();
  erased.set_notice_id(duty.notice_id());
  erased.set_outcome(v1::ERASURE_OUTCOME_ERASED);
  EXPECT_EQ(
      rpc::ReasonOf(
          world.Run(world.service().erasure_notices().AnswerErasureNotice(world.As("caf"), erased)).status()),
      common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  for (const auto& wrong : {AnswerTo(duty, v1::RECTIFICATION_OUTCOME_KEPT),
                            AnswerTo(duty, v1::RECTIFICATION_OUTCOME_RECTIFIED, "parce que"),
                            AnswerTo(duty, v1::RECTIFICATION_OUTCOME_UNSPECIFIED)}) {
    EXPECT_EQ(Answer("caf", wrong).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(world.Count(EVENT_CLASS_RECTIFICATION_ANSWERED), 0u);
  EXPECT_EQ(Owed("caf").size(), 1u);
}

// What the institution owes about her goes with her: its list is left with nothing that names her.
TEST_F(RectificationNoticesTest, ErasureTakesTheDutyAlong) {
  Permit("caf");
  ASSERT_TRUE(Rectify(Rectification("Durant")).ok());
  const storage::Partition list = world.context().idempotency.Bucket("duty", "caf", "");
  const auto entries = [&] { return world.context().store.Scan(list, "", "", 100)->entries.size(); };
  ASSERT_GE(entries(), 1u);
  v1::EraseRequest erase;
  erase.set_request_id("x1");
  *erase.mutable_person() = person;
  erase.set_cause(v1::ERASURE_CAUSE_REQUEST);
  const auto erased = world.Run(world.service().erasures().Erase(world.As("ville-paris", "steward"), erase));
  ASSERT_TRUE(erased.ok()) << erased.status();
  ASSERT_TRUE(world.Run(world.maintenance().RunOnce()).ok());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_ERASED), 1u);
  EXPECT_EQ(entries(), 0u);
  EXPECT_THAT(Owed("caf"), IsEmpty());
}

}  // namespace
}  // namespace relais::consent
