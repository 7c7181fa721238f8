#include "common/rpc/scope_handlers.h"

#include <gtest/gtest.h>

#include "common/audit/leaf.h"
#include "common/base/proto_time.h"
#include "common/base/testing/fake_clock.h"
#include "common/rpc/audit_view.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using audit::v1::Scope;
using common::v1::ErrorReason;
using testing::InstitutionCaller;

class ScopeHandlersTest : public ::testing::Test {
 protected:
  static Caller Auditor(const std::string& agent = "auditor-1") {
    return With(InstitutionCaller("auditor", "suite", common::v1::ROLE_AUDITOR), agent);
  }
  static Caller Operator(const std::string& agent = "operator-1") {
    return With(InstitutionCaller("operator", "ops", common::v1::ROLE_OPERATOR), agent);
  }
  static Caller Authority() {
    return With(InstitutionCaller("authority", "inquiry", common::v1::ROLE_AUDITOR), "authority-1");
  }
  static Caller With(Caller caller, const std::string& agent) {
    caller.agent = agent;
    caller.reason = "inquiry 7";
    return caller;
  }
  Call CallOf(Caller caller) {
    Call call;
    call.caller = std::move(caller);
    call.directory = world_.directory();
    return call;
  }
  absl::StatusOr<audit::v1::ProposeScopeResponse> Propose(const Caller& caller,
                                                          absl::Duration lasts = absl::Hours(24 * 30),
                                                          const std::string& id = "p-1",
                                                          const std::string& institution = "authority",
                                                          const std::string& system = "inquiry") {
    audit::v1::ProposeScopeRequest request;
    request.set_request_id(id);
    request.set_institution(institution);
    request.set_system(system);
    *request.mutable_until() = ToProto(start_ + lasts);
    return BlockOn(handlers_.ProposeScope(CallOf(caller), request));
  }
  absl::StatusOr<audit::v1::ApproveScopeResponse> Approve(const Caller& caller, const std::string& scope_id,
                                                          const std::string& id = "a-1") {
    audit::v1::ApproveScopeRequest request;
    request.set_request_id(id);
    request.set_scope_id(scope_id);
    return BlockOn(handlers_.ApproveScope(CallOf(caller), request));
  }
  Scope::State StateOf(const std::string& scope_id) {
    const auto list = BlockOn(handlers_.ListScopes(CallOf(Operator()), {}));
    for (const Scope& scope : list->scopes()) {
      if (scope.scope_id() == scope_id) {
        return scope.state();
      }
    }
    return Scope::STATE_UNSPECIFIED;
  }
  AuditView::Kind Sees(const Caller& caller) { return ViewOf(world_.context(), caller)->kind; }
  audit::OpenedLeaf Last() { return world_.log().ReadOpened(world_.log().state().size - 1, 1)->at(0); }

  relais::testing::FakeClock clock_{absl::FromUnixSeconds(1'767'225'600)};
  const absl::Time start_ = clock_.Now();
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  ScopeHandlers handlers_{world_.context()};
};

TEST_F(ScopeHandlersTest, TwoOfTwoInstitutionsGrantAndItEndsByItself) {
  EXPECT_EQ(Sees(Authority()), AuditView::Kind::kNone);
  const auto proposed = Propose(Auditor());
  ASSERT_TRUE(proposed.ok()) << proposed.status();
  EXPECT_EQ(FromProto(proposed->approve_by()), start_ + absl::Hours(24 * 7));
  EXPECT_EQ(Last().leaf.header.event_class(), audit::v1::EVENT_CLASS_SCOPE_PROPOSED);
  EXPECT_EQ(Sees(Authority()), AuditView::Kind::kNone) << "one is not enough";
  EXPECT_EQ(StateOf(proposed->scope_id()), Scope::STATE_PROPOSED);

  const auto approved = Approve(Operator(), proposed->scope_id());
  ASSERT_TRUE(approved.ok()) << approved.status();
  EXPECT_EQ(FromProto(approved->until()), start_ + absl::Hours(24 * 30));
  const audit::OpenedLeaf leaf = Last();
  EXPECT_EQ(leaf.leaf.header.event_class(), audit::v1::EVENT_CLASS_SCOPE_APPROVED);
  audit::v1::ScopeApproved payload;
  ASSERT_TRUE(leaf.details.payload().UnpackTo(&payload));
  EXPECT_EQ(payload.proposed_by(), "auditor/suite");
  EXPECT_EQ(payload.institution(), "authority");
  EXPECT_EQ(world_.log().Actor(leaf.leaf)->motive(), "inquiry 7");
  EXPECT_EQ(Sees(Authority()), AuditView::Kind::kAll);
  EXPECT_EQ(Sees(InstitutionCaller("authority", "other", common::v1::ROLE_AUDITOR)), AuditView::Kind::kNone);
  EXPECT_EQ(StateOf(proposed->scope_id()), Scope::STATE_IN_FORCE);

  clock_.Advance(absl::Hours(24 * 30) - absl::Seconds(1));
  EXPECT_EQ(Sees(Authority()), AuditView::Kind::kAll);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Sees(Authority()), AuditView::Kind::kNone);
  EXPECT_EQ(StateOf(proposed->scope_id()), Scope::STATE_ENDED);
}

TEST_F(ScopeHandlersTest, NoOneApprovesHerOwn) {
  const std::string scope = Propose(Auditor("someone"))->scope_id();
  const ErrorReason second = common::v1::ERROR_REASON_SECOND_PERSON_REQUIRED;
  EXPECT_EQ(ReasonOf(Approve(Auditor("someone"), scope).status()), second);
  EXPECT_EQ(ReasonOf(Approve(Auditor("someone-else"), scope).status()), second) << "the same institution";
  EXPECT_EQ(ReasonOf(Approve(Operator("someone"), scope).status()), second) << "the same agent";
  EXPECT_EQ(StateOf(scope), Scope::STATE_PROPOSED);
  EXPECT_TRUE(Approve(Operator("someone-else"), scope).ok());
}

TEST_F(ScopeHandlersTest, AnAuthorityGrantsNothing) {
  const ErrorReason no = common::v1::ERROR_REASON_MISSING_ROLE;
  EXPECT_EQ(ReasonOf(Propose(Authority()).status()), no);
  const std::string scope = Propose(Auditor())->scope_id();
  EXPECT_EQ(ReasonOf(Approve(Authority(), scope).status()), no);
  ASSERT_TRUE(Approve(Operator(), scope).ok());
  EXPECT_EQ(ReasonOf(Propose(Authority(), absl::Hours(1), "p-2", "auditor", "suite").status()), no)
      << "not even while it sees everything";
  const Caller officer = With(InstitutionCaller("edf", "dpo", common::v1::ROLE_DPO), "dpo-1");
  EXPECT_EQ(ReasonOf(Propose(officer).status()), no);
}

TEST_F(ScopeHandlersTest, ProposalsAreBounded) {
  const ErrorReason wrong = common::v1::ERROR_REASON_INVALID_FIELDS;
  EXPECT_EQ(ReasonOf(Propose(Auditor(), absl::Hours(24 * 90) + absl::Seconds(1)).status()), wrong);
  EXPECT_EQ(ReasonOf(Propose(Auditor(), absl::ZeroDuration()).status()), wrong);
  EXPECT_EQ(ReasonOf(Propose(Auditor(), absl::Hours(1), "p", "nobody").status()), wrong);
  EXPECT_EQ(ReasonOf(Propose(Auditor(), absl::Hours(1), "p", "edf", "billing").status()), wrong)
      << "a system without the role";
  EXPECT_EQ(ReasonOf(Propose(Auditor(), absl::Hours(1), "p", "auditor", "suite").status()), wrong);
  EXPECT_EQ(world_.log().state().size, 0u);
  EXPECT_TRUE(Propose(Auditor(), absl::Hours(24 * 90)).ok());
}

TEST_F(ScopeHandlersTest, AProposalLapses) {
  const std::string scope = Propose(Auditor())->scope_id();
  clock_.Advance(absl::Hours(24 * 7));
  EXPECT_EQ(StateOf(scope), Scope::STATE_LAPSED);
  EXPECT_EQ(ReasonOf(Approve(Operator(), scope).status()), common::v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(ReasonOf(Approve(Operator(), std::string(32, '0')).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST_F(ScopeHandlersTest, RepetitionsChangeNothing) {
  const auto first = Propose(Auditor());
  const auto again = Propose(Auditor());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->scope_id(), first->scope_id());
  EXPECT_EQ(ReasonOf(Propose(Auditor(), absl::Hours(1)).status()),
            common::v1::ERROR_REASON_REQUEST_ID_REUSED);
  ASSERT_TRUE(Approve(Operator(), first->scope_id()).ok());
  const uint64_t size = world_.log().state().size;
  EXPECT_TRUE(Approve(Operator(), first->scope_id()).ok());
  EXPECT_EQ(world_.log().state().size, size);
  EXPECT_EQ(ReasonOf(Approve(Operator(), first->scope_id(), "a-2").status()),
            common::v1::ERROR_REASON_WRONG_STATE);
}

TEST_F(ScopeHandlersTest, TheProposersAgentIsNotKept) {
  const std::string scope = Propose(Auditor("agent-canary"))->scope_id();
  EXPECT_EQ(GetScope(world_.context(), scope)->value().state.DebugString().find("canary"), std::string::npos);
  EXPECT_FALSE(GetScope(world_.context(), scope)->value().state.proposer_agent().empty());
  ASSERT_TRUE(Approve(Operator(), scope).ok());
  EXPECT_TRUE(GetScope(world_.context(), scope)->value().state.proposer_agent().empty());
}

TEST_F(ScopeHandlersTest, TheLongEndedAreForgotten) {
  const std::string scope = Propose(Auditor(), absl::Hours(1))->scope_id();
  clock_.Advance(absl::Hours(24 * 91));
  EXPECT_EQ(StateOf(scope), Scope::STATE_UNSPECIFIED);
  ASSERT_TRUE(Propose(Auditor(), absl::Hours(24 * 92), "p-2").ok());
  EXPECT_FALSE(GetScope(world_.context(), scope)->has_value());
}

}  // namespace
}  // namespace relais::rpc
