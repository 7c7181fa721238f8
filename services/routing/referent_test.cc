// D-5.2 through the service: proposal, her decision, the référent's answer, and how he learns of it.
#include <gtest/gtest.h>

#include "services/routing/testing/world.h"

namespace relais::routing {
namespace {

using testing::World;

// The hospital proposes a worker of the Ville.
class ReferentTest : public ::testing::Test {
 protected:
  rpc::Call Proposer() { return world_.As("aphp", "pass"); }
  v1::ProposeRequest Proposal(const std::string& request_id = "p1") {
    v1::ProposeRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = world_.Handle("aphp", 1);
    request.mutable_referent()->set_institution("ville-paris");
    request.mutable_referent()->set_function("assistant-social");
    request.set_agent("anne");
    request.set_desk("dsol-75113");
    return request;
  }
  std::string Propose(const std::string& request_id = "p1") {
    const auto response = world_.Run(world_.service().referents().Propose(Proposer(), Proposal(request_id)));
    World::Require(response.status());
    return response->referent().referent_id();
  }
  absl::StatusOr<v1::RecordPersonDecisionResponse> Decide(const std::string& id, bool agreed,
                                                          const std::string& request_id = "d1") {
    v1::RecordPersonDecisionRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = world_.Handle("aphp", 1);
    request.set_referent_id(id);
    request.set_agreed(agreed);
    return world_.Run(world_.service().referents().RecordPersonDecision(Proposer(), request));
  }
  absl::StatusOr<v1::AcceptResponse> Accept(const std::string& id, const std::string& request_id = "a1") {
    v1::AcceptRequest request;
    request.set_request_id(request_id);
    *request.mutable_person() = world_.Handle("ville-paris", 1);
    request.set_referent_id(id);
    return world_.Run(world_.service().referents().Accept(world_.Dsol(), request));
  }

  World world_;
};

TEST_F(ReferentTest, AgreedProposalReachesHisDeskAndCanBeAccepted) {
  const std::string id = Propose();
  ASSERT_TRUE(Decide(id, true).ok());
  world_.Settle();
  const auto messages = world_.Pull();
  ASSERT_EQ(messages.size(), 1u);
  const v1::Message& message = messages[0];
  EXPECT_EQ(message.sender().institution(), "aphp");
  EXPECT_EQ(message.purpose(), "REFERENT_COORDINATION");
  EXPECT_EQ(message.content().referent_proposal().referent_id(), id);
  EXPECT_EQ(message.content().referent_proposal().agent(), "anne");
  const consent::v1::CheckRequest& asked = world_.consent.asked.back();
  EXPECT_EQ(asked.categories_size(), 1);
  EXPECT_EQ(asked.categories(0), "IDENTITY");
  // With the handle it got, the institution accepts.
  v1::AcceptRequest accept;
  accept.set_request_id("a");
  *accept.mutable_person() = message.person();
  accept.set_referent_id(id);
  const auto accepted = world_.Run(world_.service().referents().Accept(world_.Dsol(), accept));
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->referent().state(), v1::Referent::STATE_ACTIVE);
  // Anybody of his institution may accept; only he himself is related to her by it.
  EXPECT_EQ(world_.Leaves().back().details.relation(), "NONE");
  rpc::Call himself = world_.Dsol();
  himself.caller.agent = "anne";
  v1::EndRequest end;
  end.set_request_id("e");
  *end.mutable_person() = message.person();
  end.set_referent_id(id);
  const auto ended = world_.Run(world_.service().referents().End(himself, end));
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(world_.Leaves().back().details.relation(), "REFERENT");
}

TEST_F(ReferentTest, WithoutHerAgreementForHimNothingIsSentAndThatIsNoError) {
  world_.consent.permits = [](const auto&) { return false; };
  const std::string id = Propose();
  ASSERT_TRUE(Decide(id, true).ok());
  world_.Settle(absl::Minutes(1));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_MESSAGE_NOT_PERMITTED), 1u);
  // The follower goes on.
  world_.consent.permits = [](const auto&) { return true; };
  world_.MustSubmit("s1", 2);
  EXPECT_EQ(world_.Waiting().size(), 1u);
}

TEST_F(ReferentTest, AProposalWaitsForConsentAndIsSentOnce) {
  const std::string id = Propose();
  world_.consent.down = absl::UnavailableError("down");
  ASSERT_TRUE(Decide(id, true).ok());
  world_.Settle(absl::Seconds(20));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 0u);
  world_.consent.down = absl::OkStatus();
  world_.Settle(absl::Seconds(20));
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u);
  world_.Restart();
  world_.Settle();
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_MESSAGE_SUBMITTED), 1u);
}

TEST_F(ReferentTest, RefusedIsNotSent) {
  const std::string id = Propose();
  ASSERT_TRUE(Decide(id, false).ok());
  world_.Settle();
  EXPECT_TRUE(world_.consent.asked.empty());
}

TEST_F(ReferentTest, RepetitionsGiveTheSameAnswer) {
  const auto first = world_.Run(world_.service().referents().Propose(Proposer(), Proposal()));
  world_.Settle(absl::Seconds(3));
  world_.Restart();
  const auto again = world_.Run(world_.service().referents().Propose(Proposer(), Proposal()));
  ASSERT_TRUE(first.ok() && again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  v1::ProposeRequest other = Proposal();
  other.set_agent("bob");
  EXPECT_EQ(rpc::ReasonOf(world_.Run(world_.service().referents().Propose(Proposer(), other)).status()),
            common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  const std::string id = first->referent().referent_id();
  ASSERT_TRUE(Decide(id, true).ok());
  ASSERT_TRUE(Decide(id, true).ok());
  EXPECT_EQ(world_.Count(audit::v1::EVENT_CLASS_REFERENT_CHANGED), 2u);
}

// Recording that she agreed takes a function that may; her no is recorded by anybody's.
TEST_F(ReferentTest, HerNoNeedsNoCapability) {
  v1::RecordPersonDecisionRequest decide;
  *decide.mutable_person() = world_.Handle("aphp", 1);
  decide.set_referent_id(Propose());
  rpc::Call desk = Proposer();
  desk.caller.function = "delegue-protection-donnees";  // may not RECORD_CONSENT
  decide.set_request_id("yes");
  decide.set_agreed(true);
  const auto yes = world_.Run(world_.service().referents().RecordPersonDecision(desk, decide));
  EXPECT_EQ(rpc::ReasonOf(yes.status()), common::v1::ERROR_REASON_MISSING_CAPABILITY);
  decide.set_request_id("no");
  decide.set_agreed(false);
  const auto no = world_.Run(world_.service().referents().RecordPersonDecision(desk, decide));
  EXPECT_TRUE(no.ok()) << no.status();
}

TEST_F(ReferentTest, EachAnswersForItselfOnly) {
  const std::string id = Propose();
  // The proposed institution cannot say what she said.
  v1::RecordPersonDecisionRequest decide;
  decide.set_request_id("d");
  *decide.mutable_person() = world_.Handle("ville-paris", 1);
  decide.set_referent_id(id);
  decide.set_agreed(true);
  EXPECT_TRUE(absl::IsNotFound(
      world_.Run(world_.service().referents().RecordPersonDecision(world_.Dsol(), decide)).status()));
  ASSERT_TRUE(Decide(id, true).ok());
  // The proposer cannot accept for him.
  v1::AcceptRequest accept;
  accept.set_request_id("a");
  *accept.mutable_person() = world_.Handle("aphp", 1);
  accept.set_referent_id(id);
  EXPECT_TRUE(absl::IsNotFound(world_.Run(world_.service().referents().Accept(Proposer(), accept)).status()));
  // A third one sees nothing.
  v1::GetReferentRequest get;
  *get.mutable_person() = world_.Handle("caf", 1);
  EXPECT_TRUE(absl::IsNotFound(
      world_.Run(world_.service().referents().GetReferent(world_.As("caf", "droits"), get)).status()));
}

TEST_F(ReferentTest, OnlyWhoMayBeReferentIsProposed) {
  v1::ProposeRequest request = Proposal();
  request.mutable_referent()->set_function("agent-accueil");
  EXPECT_EQ(world_.Run(world_.service().referents().Propose(Proposer(), request)).status().code(),
            absl::StatusCode::kInvalidArgument);
  request = Proposal();
  request.set_desk("caf-droits");
  EXPECT_EQ(world_.Run(world_.service().referents().Propose(Proposer(), request)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ReferentTest, AStaleEtagIsRefused) {
  const std::string id = Propose();
  v1::EndRequest end;
  end.set_request_id("e");
  *end.mutable_person() = world_.Handle("aphp", 1);
  end.set_referent_id(id);
  end.set_etag("1-1-1");
  const auto refused = world_.Run(world_.service().referents().End(Proposer(), end));
  EXPECT_EQ(rpc::ReasonOf(refused.status()), common::v1::ERROR_REASON_ETAG_MISMATCH);
}

TEST_F(ReferentTest, ActivePivotGetsHerMessagesFirst) {
  const std::string id = Propose();
  ASSERT_TRUE(Decide(id, true).ok());
  ASSERT_TRUE(Accept(id).ok());
  v1::SubmitRequest request = world_.Note("s1");
  request.clear_desk();
  request.mutable_situation()->set_postal_code("75020");
  const auto sent = world_.Submit(request);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->desk(), "dsol-75113");
  EXPECT_EQ(sent->recipient().function(), "assistant-social");
  // She has no agreement for him: the desk of her arrondissement.
  world_.consent.permits = [](const consent::v1::CheckRequest& check) {
    return check.recipient_desk() != "dsol-75113";
  };
  request.set_request_id("s2");
  const auto elsewhere = world_.Submit(request);
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_EQ(elsewhere->desk(), "dsol-75120");
}

TEST_F(ReferentTest, OpenProposalsOfOneInstitutionAreFew) {
  std::string last;
  for (int i = 0; i < kMostOpenProposals; ++i) {
    last = Propose("p" + std::to_string(i));
  }
  const auto propose = [&](const std::string& request_id) {
    return world_.Run(world_.service().referents().Propose(Proposer(), Proposal(request_id))).status();
  };
  EXPECT_EQ(rpc::ReasonOf(propose("more")), common::v1::ERROR_REASON_WRONG_STATE);
  // One that is answered makes room.
  ASSERT_TRUE(Decide(last, false).ok());
  EXPECT_TRUE(propose("more").ok());
}

}  // namespace
}  // namespace relais::routing
