#include "services/consent/handlers/duty_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/follower.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/consent/teams.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using common::v1::DECISION_DENY;
using common::v1::DECISION_PERMIT;
using ::testing::HasSubstr;
using testing::SimWorld;

v1::RecordInformationRequest InformationOf(const common::v1::PersonRef& person,
                                           v1::InformationOccasion occasion,
                                           const std::string& request_id = "i1") {
  v1::RecordInformationRequest request;
  request.set_request_id(request_id);
  *request.mutable_person() = person;
  request.set_occasion(occasion);
  return request;
}

template <typename World>
absl::StatusOr<v1::ListObligationsResponse> Duties(World& world, const std::string& as = "ville-paris",
                                                   bool overdue_only = false) {
  v1::ListObligationsRequest request;
  request.set_overdue_only(overdue_only);
  return world.Run(world.service().duties().ListObligations(world.As(as), request));
}

// D-2.7, art. 14: the recipient of what came from elsewhere owes her the information, once, within a month.
TEST(Obligations, AreOwedByTheRecipientOfABillOnceAndMet) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::CheckRequest check = SimWorld::CutFor(world.RawRef(world.IdOf(person)));
  check.set_dry_run(false);
  const auto permit = [&](const std::string& request_id, bool exercise = false) {
    check.set_request_id(request_id);
    check.set_exercise(exercise);
    const auto response = world.Run(world.service().checks().Check(world.AsService("alerting"), check));
    SimWorld::Require(response.status());
    return response->decision();
  };
  ASSERT_EQ(permit("exercise", true), DECISION_PERMIT);
  EXPECT_EQ(Duties(world)->obligations_size(), 0);
  ASSERT_EQ(permit("p1"), DECISION_PERMIT);
  ASSERT_EQ(permit("p2"), DECISION_PERMIT);
  auto owed = Duties(world);
  ASSERT_TRUE(owed.ok()) << owed.status();
  ASSERT_EQ(owed->obligations_size(), 1);
  EXPECT_EQ(owed->obligations(0).kind(), v1::DUTY_KIND_INFORM_FIRST_CONTACT);
  EXPECT_EQ(owed->obligations(0).ground(), common::v1::GROUND_ART6);
  EXPECT_EQ(owed->obligations(0).person().handle(), person.handle());
  EXPECT_FALSE(owed->obligations(0).overdue());
  EXPECT_EQ(Duties(world, "caf")->obligations_size(), 0);
  EXPECT_EQ(Duties(world, "ville-paris", true)->obligations_size(), 0);
  world.Restart();
  world.harness().sim().RunFor(absl::Hours(24 * 31));
  owed = Duties(world, "ville-paris", true);
  ASSERT_EQ(owed->obligations_size(), 1);
  EXPECT_TRUE(owed->obligations(0).overdue());
  // Told at last.
  const auto inform = [&] {
    return world.Run(world.service().duties().RecordInformation(
        world.As("ville-paris"), InformationOf(person, v1::INFORMATION_OCCASION_FIRST_CONTACT)));
  };
  const auto told = inform();
  ASSERT_TRUE(told.ok()) << told.status();
  EXPECT_EQ(told->duties_met(), 1u);
  EXPECT_EQ(inform()->SerializeAsString(), told->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_INFORMATION_RECORDED), 1u);
  EXPECT_EQ(Duties(world)->obligations_size(), 0);
  // Another bill does not bring it back.
  ASSERT_EQ(permit("p3"), DECISION_PERMIT);
  EXPECT_EQ(Duties(world)->obligations_size(), 0);
}

TEST(Obligations, PagesGoThroughAll) {
  SimWorld world;
  for (int i = 0; i < 7; ++i) {
    const common::v1::PersonRef person = world.NewPerson("case-" + std::to_string(i));
    v1::CheckRequest check = SimWorld::CutFor(world.RawRef(world.IdOf(person)));
    check.set_dry_run(false);
    ASSERT_TRUE(world.Run(world.service().checks().Check(world.AsService("alerting"), check)).ok());
    world.harness().sim().RunFor(absl::Minutes(1));
  }
  v1::ListObligationsRequest request;
  request.set_page_size(3);
  std::set<std::string> handles;
  int64_t last_due = 0;
  int pages = 0;
  do {
    const auto page = world.Run(world.service().duties().ListObligations(world.As("ville-paris"), request));
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Duty& duty : page->obligations()) {
      handles.insert(duty.person().handle());
      EXPECT_GE(duty.due().seconds(), last_due);
      last_due = duty.due().seconds();
    }
    request.set_page_token(page->next_page_token());
    ++pages;
  } while (!request.page_token().empty() && pages < 10);
  EXPECT_EQ(handles.size(), 7u);
  EXPECT_EQ(pages, 3);
  request.set_page_token("AAAA");
  EXPECT_EQ(
      world.Run(world.service().duties().ListObligations(world.As("ville-paris"), request)).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST(RecordInformation, NamesWhatIsWrong) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::RecordInformationRequest request = InformationOf(person, v1::INFORMATION_OCCASION_BEFOREHAND);
  const auto field = [&] {
    return std::string(world.Run(world.service().duties().RecordInformation(world.As("ville-paris"), request))
                           .status()
                           .message());
  };
  EXPECT_THAT(field(), HasSubstr("lines"));
  v1::ConsentLine* line = request.add_lines();
  EXPECT_THAT(field(), HasSubstr("lines[0].purposes"));
  line->add_purposes("SOCIAL_ASSESSMENT");
  EXPECT_THAT(field(), HasSubstr("lines[0].categories"));
  line->add_categories("IDENTITY");
  EXPECT_THAT(field(), HasSubstr("lines[0].recipients"));
  line->add_recipients()->set_kind("ASSOCIATION");
  EXPECT_THAT(field(), HasSubstr("lines[0].recipients[0]"));
  line->mutable_recipients(0)->set_institution("emmaus");
  request.set_emergency_id(std::string(32, 'a'));
  EXPECT_THAT(field(), HasSubstr("emergency_id"));
  request.set_occasion(v1::INFORMATION_OCCASION_FIRST_CONTACT);
  request.clear_emergency_id();
  EXPECT_THAT(field(), HasSubstr("lines"));
  request.set_occasion(v1::INFORMATION_OCCASION_AFTER_EMERGENCY);
  EXPECT_THAT(field(), HasSubstr("emergency_id"));
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_INFORMATION_RECORDED), 0u);
}

// ---- what became of a withdrawal

TEST(WithdrawalStatus, CountsPermitsAndMessagesOfItsRecipients) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto agreed = world.Record(SimWorld::ConsentFor(person, "c1"));
  ASSERT_TRUE(agreed.ok());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(world.Decision(SimWorld::CheckFor(person, false)), DECISION_PERMIT);
  }
  RoutingLeaves follower(world.service().registry());
  const auto say = [&](audit::v1::EventClass event_class, const google::protobuf::Message& payload) {
    audit::FollowedLeaf leaf;
    leaf.time = world.log().Now();
    leaf.opening = audit::v1::TailLeaf::OPENING_OPENED;
    leaf.header.set_event_class(event_class);
    leaf.details.mutable_subject()->set_kind(audit::v1::Subject::KIND_PERSON);
    leaf.details.mutable_subject()->set_id(world.IdOf(person).ToBytes());
    leaf.details.mutable_recipient()->set_institution("caf");
    leaf.details.mutable_payload()->PackFrom(payload);
    SimWorld::Require(world.Run(follower.Apply(leaf, true)));
    SimWorld::Require(world.Run(follower.Apply(leaf, true)));
  };
  routing::v1::MessageDelivered delivered;
  delivered.set_message_id(std::string(32, '1'));
  say(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, delivered);
  world.harness().sim().RunFor(absl::Seconds(1));
  const auto withdrawn = world.WithdrawAll(person, "w1");
  ASSERT_TRUE(withdrawn.ok());
  world.harness().sim().RunFor(absl::Seconds(1));
  routing::v1::MessageWithdrawn pulled;
  pulled.set_message_id(std::string(32, '2'));
  say(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN, pulled);
  v1::GetWithdrawalStatusRequest request;
  *request.mutable_person() = person;
  request.set_withdrawal_id(withdrawn->withdrawal_id());
  const auto status =
      world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("ville-paris"), request));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_FALSE(status->routing_known());
  ASSERT_EQ(status->consent_ids_size(), 1);
  EXPECT_EQ(status->consent_ids(0), agreed->consent_id());
  ASSERT_EQ(status->recipients_size(), 1);
  EXPECT_EQ(status->recipients(0).institution(), "caf");
  EXPECT_EQ(status->recipients(0).permits(), 3u);
  EXPECT_EQ(status->recipients(0).delivered(), 1u);
  EXPECT_EQ(status->recipients(0).pulled_back(), 1u);
  // Only the desk that recorded it.
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  EXPECT_EQ(
      rpc::ReasonOf(
          world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("caf"), request)).status()),
      common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// ---- the register of notices (D-2.13)

v1::RegisterNoticeRequest NoticeOf(const std::string& text, const std::string& request_id = "t1") {
  v1::RegisterNoticeRequest request;
  request.set_request_id(request_id);
  request.set_id("notice-1");
  request.set_version("2");
  request.set_text(text);
  return request;
}

TEST(Notices, AreRegisteredOnceAndHeldAgainstAgreements) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto put = [&](const v1::RegisterNoticeRequest& request) {
    return world.Run(world.service().notices().RegisterNotice(world.As("ville-paris", "steward"), request));
  };
  const auto first = put(NoticeOf("Vous pouvez retirer votre accord à tout moment."));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->notice().language(), "fr");
  EXPECT_EQ(first->notice().sha256().size(), 32u);
  EXPECT_EQ(put(NoticeOf("Vous pouvez retirer votre accord à tout moment."))->SerializeAsString(),
            first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_NOTICE_REGISTERED), 1u);
  const absl::Status other_text = put(NoticeOf("Autre chose.", "t2")).status();
  EXPECT_EQ(other_text.code(), absl::StatusCode::kFailedPrecondition) << "the code of WRONG_STATE";
  EXPECT_EQ(rpc::ReasonOf(other_text), common::v1::ERROR_REASON_WRONG_STATE);
  v1::GetNoticeRequest get;
  get.set_id("notice-1");
  get.set_version("2");
  const auto read = world.Run(world.service().notices().GetNotice(world.As("caf"), get));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->text(), "Vous pouvez retirer votre accord à tout moment.");
  // What she was given is named by its digest, whether or not the desk said it.
  v1::RecordConsentRequest request = SimWorld::ConsentFor(person, "c1");
  ASSERT_TRUE(world.Record(request).ok());
  v1::ConsentRecorded recorded;
  ASSERT_TRUE(world.Leaves().back().details.payload().UnpackTo(&recorded));
  EXPECT_EQ(recorded.consent().notice().sha256(), first->notice().sha256());
  request.set_request_id("c2");
  request.mutable_notice()->set_sha256(std::string(32, 'x'));
  EXPECT_THAT(std::string(world.Record(request).status().message()), HasSubstr("notice.sha256"));
  get.set_version("9");
  EXPECT_EQ(world.Run(world.service().notices().GetNotice(world.As("caf"), get)).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Notices, MayBeRequired) {
  Settings settings;
  settings.notices_required = true;
  SimWorld world(SimWorld::DefaultOptions(), settings);
  const common::v1::PersonRef person = world.NewPerson("case-1");
  EXPECT_THAT(std::string(world.Record(SimWorld::ConsentFor(person, "c1")).status().message()),
              HasSubstr("notice"));
  ASSERT_TRUE(world
                  .Run(world.service().notices().RegisterNotice(world.As("ville-paris", "steward"),
                                                                NoticeOf("Texte.")))
                  .ok());
  EXPECT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
}

}  // namespace
}  // namespace relais::consent
