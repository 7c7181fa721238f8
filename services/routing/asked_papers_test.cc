// Papers asked for, as her hosts are told (action 4; ADR 64): within who acts for her, on what lets it act,
// and to no other institution whoever passes it on.
#include <gtest/gtest.h>

#include "services/routing/courier.h"
#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::World;

constexpr char kDesk[] = "dsol-75101";

v1::SubmitRequest Asked(const std::string& request_id = "r1") {
  v1::SubmitRequest request;
  request.set_request_id(request_id);
  request.mutable_person()->set_person_id(World::Person(1).ToBytes());
  request.mutable_sender()->set_institution("ville-paris");
  request.set_purpose("RIGHTS_OPENING");
  request.add_categories("DOCUMENTS");
  v1::AskedPapers& papers = *request.mutable_content()->mutable_asked_papers();
  papers.set_document_request_id(std::string(32, 'd'));
  papers.mutable_asker()->set_institution("caf");
  papers.add_types("TAX_NOTICE");
  papers.set_purpose("RIGHTS_OPENING");
  *papers.mutable_expires() = ToProto(testing::StoryStart() + absl::Hours(24 * 30));
  request.mutable_audience()->set_kind(v1::Audience::KIND_OWN_DESK);
  return request;
}
absl::StatusOr<v1::SubmitResponse> Send(World& world, const v1::SubmitRequest& request) {
  return world.Run(world.service().routing().Submit(world.AsService("alerting"), request));
}

TEST(AskedPapers, WithinWhoActsForHerOnWhatLetsItAct) {
  World world;
  const auto sent = Send(world, Asked());
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), kDesk);
  world.Settle();
  const std::vector<v1::Message> got = world.Pull(kDesk);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].content().asked_papers().asker().institution(), "caf");
  EXPECT_EQ(got[0].content().asked_papers().document_request_id(), std::string(32, 'd'));
  EXPECT_EQ(got[0].ground(), common::v1::GROUND_AGREEMENT);
  for (const consent::v1::CheckRequest& asked : world.consent.asked) {
    EXPECT_EQ(asked.act(), common::v1::ACT_HOST);
    EXPECT_EQ(asked.sender().institution(), "ville-paris");
    EXPECT_EQ(asked.recipient().institution(), "ville-paris");
  }
}

TEST(AskedPapers, NoOtherGroundThanHerAgreementLetsThemGo) {  // D-3.1
  World world;
  world.consent.ground = common::v1::GROUND_TEAM;
  EXPECT_EQ(rpc::ReasonOf(Send(world, Asked()).status()), common::v1::ERROR_REASON_NOT_PERMITTED);
  world.consent.ground.reset();
  ASSERT_TRUE(Send(world, Asked("r2")).ok());
  world.Settle();
  world.consent.ground = common::v1::GROUND_EMERGENCY;  // since it was sent
  EXPECT_TRUE(world.Pull(kDesk).empty());
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_WITHDRAWN), 1u);
}

TEST(AskedPapers, ToNobodyElse) {
  World world;
  for (const auto kind : {v1::Audience::KIND_UNSPECIFIED, v1::Audience::KIND_REFERENT}) {
    v1::SubmitRequest other = Asked();
    other.mutable_audience()->set_kind(kind);
    EXPECT_EQ(rpc::ReasonOf(Send(world, other).status()), common::v1::ERROR_REASON_INVALID_FIELDS);
  }
  v1::SubmitRequest own = Asked();
  own.clear_audience();
  *own.mutable_person() = world.Handle("ville-paris", 1);
  EXPECT_EQ(rpc::ReasonOf(world.Run(world.service().routing().Submit(world.Dsol(), own)).status()),
            common::v1::ERROR_REASON_INVALID_FIELDS)
      << "for services";
  EXPECT_EQ(world.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
}

// Whoever would have it next when nobody takes it: what consent permits there makes no difference.
TEST(AskedPapers, AreNotPassedOnToAnotherInstitution) {
  consent::v1::CheckResponse permit;
  permit.set_decision(common::v1::DECISION_PERMIT);
  permit.set_ground(common::v1::GROUND_AGREEMENT);
  v1::MessageState message;
  message.mutable_sender()->set_institution("ville-paris");
  message.mutable_recipient()->set_institution("ville-paris");
  *message.mutable_content() = Asked().content();
  EXPECT_TRUE(Courier::Permits(message, permit));
  message.mutable_recipient()->set_institution("caf");
  EXPECT_FALSE(Courier::Permits(message, permit)) << "who asks, of all institutions";
  message.mutable_content()->mutable_expiring_paper();
  EXPECT_TRUE(Courier::Permits(message, permit)) << "of a paper that expires it may";
}

}  // namespace
}  // namespace relais::routing
