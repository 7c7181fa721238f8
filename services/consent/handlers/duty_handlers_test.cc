#include "services/consent/handlers/duty_handlers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/audit/big_endian.h"
#include "common/audit/follower.h"
#include "relais/consent/v1/events.pb.h"
#include "relais/routing/v1/events.pb.h"
#include "services/consent/duties.h"
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

// D-2.7: so does who is told of a danger (code pénal 226-14 1°). What is not permitted is owed by nobody.
TEST(Obligations, AreOwedByWhoIsToldOfADanger) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  v1::CheckRequest report =
      SimWorld::CutFor(rpc::HandleFor(world.context(), "bspp", world.IdOf(person)), "bspp");
  report.set_dry_run(false);
  report.set_purpose("SOCIAL_ASSESSMENT");
  report.mutable_stated_ground()->set_ground(common::v1::GROUND_CP_226_14_1);
  report.mutable_stated_ground()->set_signal_type("DISTRESS_REPORT");
  report.mutable_stated_ground()->set_event("SERIOUS");
  const auto decided = [&](const std::string& request_id) {
    report.set_request_id(request_id);
    const auto response = world.Run(world.service().checks().Check(world.As("bspp"), report));
    SimWorld::Require(response.status());
    return response->decision();
  };
  ASSERT_EQ(decided("without-facts"), DECISION_DENY);
  EXPECT_EQ(Duties(world)->obligations_size(), 0);
  report.mutable_stated_ground()->set_facts("Porte ouverte, couchée, ne répond plus.");
  ASSERT_EQ(decided("with-facts"), DECISION_PERMIT);
  const auto owed = Duties(world);
  ASSERT_TRUE(owed.ok()) << owed.status();
  ASSERT_EQ(owed->obligations_size(), 1);
  EXPECT_EQ(owed->obligations(0).kind(), v1::DUTY_KIND_INFORM_FIRST_CONTACT);
  EXPECT_EQ(owed->obligations(0).ground(), common::v1::GROUND_CP_226_14_1);
  EXPECT_EQ(owed->obligations(0).person().handle(), person.handle());
  EXPECT_EQ(Duties(world, "bspp")->obligations_size(), 0) << "who told knows it from her";
}

// ADR 69: one that does not read, of anybody, keeps no institution from its other duties.
TEST(Obligations, WhatDoesNotReadIsCountedAndGoneBy) {
  SimWorld world;
  std::vector<common::v1::PersonRef> persons;
  for (int i = 0; i < 3; ++i) {
    persons.push_back(world.NewPerson("case-" + std::to_string(i)));
    v1::CheckRequest check = SimWorld::CutFor(world.RawRef(world.IdOf(persons.back())));
    check.set_dry_run(false);
    ASSERT_TRUE(world.Run(world.service().checks().Check(world.AsService("alerting"), check)).ok());
    world.harness().sim().RunFor(absl::Minutes(1));
  }
  ASSERT_EQ(Duties(world)->obligations_size(), 3);
  const auto damage = [&](const storage::Partition& partition, const std::string& key) {
    storage::CommitRequest commit;
    commit.partition = partition;
    commit.batch.push_back({key, std::string(40, 'x')});
    SimWorld::Require(world.Run(world.context().store.Commit(std::move(commit))).status());
  };
  damage(PersonPartition(world.IdOf(persons[0])), DutyRow("ville-paris"));
  const storage::Partition entries = world.context().idempotency.Bucket("duty", "ville-paris", "");
  const auto listed = world.context().store.Scan(entries, "", "", 10);
  ASSERT_EQ(listed->entries.size(), 3u);
  damage(entries, listed->entries[1].key);
  world.harness().sim().RunFor(absl::Hours(24 * 40));
  for (const bool overdue_only : {false, true}) {
    const auto left = Duties(world, "ville-paris", overdue_only);
    ASSERT_TRUE(left.ok()) << left.status();
    ASSERT_EQ(left->obligations_size(), 1);
    EXPECT_EQ(left->obligations(0).person().handle(), persons[2].handle());
    EXPECT_EQ(left->unreadable(), 2u);
  }
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
  v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, "c1");
  consent.mutable_lines(0)->add_recipients()->set_institution("crip75");
  const auto agreed = world.Record(consent);
  ASSERT_TRUE(agreed.ok());
  // What her history withholds is not told to who records a no of hers.
  v1::CheckRequest to_child_protection = SimWorld::CheckFor(person, false);
  to_child_protection.mutable_recipient()->set_institution("crip75");
  ASSERT_EQ(world.Decision(to_child_protection), DECISION_PERMIT);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(world.Decision(SimWorld::CheckFor(person, false)), DECISION_PERMIT);
  }
  RoutingLeaves follower(world.service().registry());
  const auto say = [&](audit::v1::EventClass event_class, const google::protobuf::Message& payload,
                       common::v1::Ground ground = common::v1::GROUND_AGREEMENT) {
    audit::FollowedLeaf leaf;
    leaf.time = world.log().Now();
    leaf.opening = audit::v1::TailLeaf::OPENING_OPENED;
    leaf.header.set_event_class(event_class);
    leaf.header.set_ground(ground);
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
  // Of what went there on a legal duty nobody learns by taking something back.
  for (const auto& [message, ground] :
       {std::pair("4", common::v1::GROUND_CP_226_14_1), std::pair("5", common::v1::GROUND_AUTHORISED_EXIT),
        std::pair("6", common::v1::GROUND_UNSPECIFIED)}) {
    delivered.set_message_id(std::string(32, *message));
    say(audit::v1::EVENT_CLASS_MESSAGE_DELIVERED, delivered, ground);
  }
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
  // It is in her history that it was asked.
  EXPECT_EQ(world.Leaves().back().leaf.header.event_class(), audit::v1::EVENT_CLASS_HISTORY_READ);
  EXPECT_EQ(world.Leaves().back().leaf.header.institution(), "ville-paris");
  EXPECT_EQ(world.Leaves().back().details.subject().id(), world.IdOf(person).ToBytes());
  // Only the desk that recorded it.
  *request.mutable_person() = rpc::HandleFor(world.context(), "caf", world.IdOf(person));
  EXPECT_EQ(
      rpc::ReasonOf(
          world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("caf"), request)).status()),
      common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

// D-3.1: a leaf that does not read keeps the others from nobody.
TEST(WithdrawalStatus, ALeafThatDoesNotReadKeepsNoOther) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  ASSERT_TRUE(world.Record(SimWorld::ConsentFor(person, "c1")).ok());
  uint64_t before = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(world.Decision(SimWorld::CheckFor(person, false)), DECISION_PERMIT);
    before = world.log().state().size - 1;
  }
  world.harness().sim().RunFor(absl::Seconds(1));
  const auto withdrawn = world.WithdrawAll(person, "w1");
  ASSERT_TRUE(withdrawn.ok());
  ASSERT_EQ(world.Decision(SimWorld::CheckFor(person, false)), DECISION_DENY);
  storage::MemoryDisk::Write damage;
  damage.version = world.harness().disk()->last_version();
  for (const uint64_t torn : {before, world.log().state().size - 1}) {  // one on each side of the withdrawal
    damage.rows.push_back({storage::LogTable::kLeaves, audit::IndexKey(torn), "torn"});
  }
  world.harness().disk()->Apply(damage);
  v1::GetWithdrawalStatusRequest request;
  *request.mutable_person() = person;
  request.set_withdrawal_id(withdrawn->withdrawal_id());
  const auto status =
      world.Run(world.service().withdrawals().GetWithdrawalStatus(world.As("ville-paris"), request));
  ASSERT_TRUE(status.ok()) << status.status();
  ASSERT_EQ(status->recipients_size(), 1);
  EXPECT_EQ(status->recipients(0).permits(), 2u);
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

// Whoever takes the name of another controller's notice first decides nothing about that one's agreements.
TEST(Notices, AnothersTextOfThatNameIsNotTheCollectors) {
  Settings settings;
  settings.notices_required = true;
  SimWorld world(SimWorld::DefaultOptions(), settings);
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto put = [&](const std::string& institution, const std::string& text,
                       std::set<common::v1::Role> roles) {
    rpc::Call call = world.As(institution);
    call.caller.roles = std::move(roles);
    return world.Run(
        world.service().notices().RegisterNotice(call, NoticeOf(text, "t-" + institution + text)));
  };
  const auto sha_given = [&](const std::string& id) {
    SimWorld::Require(world.Record(SimWorld::ConsentFor(person, id)).status());
    v1::ConsentRecorded recorded;
    EXPECT_TRUE(world.Leaves().back().details.payload().UnpackTo(&recorded));
    return recorded.consent().notice().sha256();
  };
  ASSERT_TRUE(put("caf", "De la CAF.", {common::v1::ROLE_DPO}).ok());
  EXPECT_THAT(std::string(world.Record(SimWorld::ConsentFor(person, "c1")).status().message()),
              HasSubstr("notice"))
      << "it is not of this collector";
  const auto stewards = put("siao", "Pour tous.", {common::v1::ROLE_STEWARD});
  ASSERT_TRUE(stewards.ok()) << stewards.status();
  EXPECT_EQ(sha_given("c2"), stewards->notice().sha256());
  const auto own = put("ville-paris", "De la Ville.", {common::v1::ROLE_DPO});
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(sha_given("c3"), own->notice().sha256());
  EXPECT_EQ(put("ville-paris", "Autre.", {common::v1::ROLE_DPO}).status().code(),
            absl::StatusCode::kFailedPrecondition)
      << "its own never changes";
  v1::GetNoticeRequest get;
  get.set_id("notice-1");
  get.set_version("2");
  const auto text = [&](const std::string& institution) {
    return world.Run(world.service().notices().GetNotice(world.As(institution), get))->text();
  };
  EXPECT_EQ(text("ville-paris"), "De la Ville.");
  EXPECT_EQ(text("caf"), "De la CAF.");
  EXPECT_EQ(text("aphp"), "Pour tous.");
}

// An earlier build had one text for all of a name, and kept not whose it was.
TEST(Notices, OneOfAnEarlierBuildHoldsWhoRegisteredItAndNobodyElse) {
  SimWorld world;
  const common::v1::PersonRef person = world.NewPerson("case-1");
  const auto put = [&](const std::string& institution, const std::string& text, const std::string& id,
                       common::v1::Role role = common::v1::ROLE_DPO) {
    rpc::Call call = world.As(institution);
    call.caller.roles = {role};
    return world.Run(world.service().notices().RegisterNotice(call, NoticeOf(text, id)));
  };
  const auto first = put("caf", "De la CAF.", "t1", common::v1::ROLE_STEWARD);
  ASSERT_TRUE(first.ok()) << first.status();
  storage::CommitRequest earlier;
  earlier.partition = world.context().idempotency.Bucket("notice", "", "notice-1/2/fr");
  const auto row = world.context().store.Get(earlier.partition, "text");
  ASSERT_TRUE(row.ok() && row->has_value());
  v1::StoredNotice stored;
  ASSERT_TRUE(stored.ParseFromString((*row)->value));
  stored.clear_registrant();
  earlier.batch.push_back({"text", stored.SerializeAsString()});
  ASSERT_TRUE(world.Run(world.context().store.Commit(std::move(earlier))).ok());
  const auto again = put("caf", "De la CAF.", "t1");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_NOTICE_REGISTERED), 1u);
  EXPECT_EQ(rpc::ReasonOf(put("caf", "Autre chose.", "t2").status()), common::v1::ERROR_REASON_WRONG_STATE);
  v1::RecordConsentRequest consent = SimWorld::ConsentFor(person, "c1");
  consent.mutable_notice()->set_sha256(std::string(32, 'x'));
  EXPECT_TRUE(world.Record(consent).ok()) << "the Ville is not held to a text that is nobody's";
  EXPECT_TRUE(put("ville-paris", "De la Ville.", "t3").ok());
  consent.set_request_id("c2");
  EXPECT_THAT(std::string(world.Record(consent).status().message()), HasSubstr("notice.sha256"));
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
