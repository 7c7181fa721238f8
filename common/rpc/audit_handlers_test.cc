#include "common/rpc/audit_handlers.h"

#include <gtest/gtest.h>

#include "common/audit/leaf.h"
#include "common/rpc/lone_leaf.h"
#include "common/rpc/refusal.h"
#include "common/rpc/testing/service_world.h"

namespace relais::rpc {
namespace {

using testing::InstitutionCaller;
using testing::ServiceCaller;

class AuditHandlersTest : public ::testing::Test {
 protected:
  Call CallOf(Caller caller) {
    Call call;
    call.caller = std::move(caller);
    call.directory = world_.directory();
    call.deadline = clock_.Monotonic() + absl::Seconds(20);
    return call;
  }
  uint64_t Write(audit::v1::EventClass event_class, const std::string& institution) {
    audit::Event event;
    event.event_class = event_class;
    event.institution = institution;
    event.subject = audit::Subject{audit::Subject::Kind::kPerson, world_.context().random.Id()};
    event.details.set_acting_function("assistant-social");
    const auto written = BlockOn(WriteLoneLeaf(world_.context(), event));
    EXPECT_TRUE(written.ok()) << written.status();
    return written->leaves.first;
  }

  SystemClock clock_;
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  AuditHandlers handlers_{world_.context(), {}};
};

TEST_F(AuditHandlersTest, InstitutionsGetProofsOfTheirOwnLeavesOnly) {
  const uint64_t index = Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "ville-paris");
  audit::v1::GetInclusionProofRequest request;
  request.set_leaf_index(index);
  const Caller own = InstitutionCaller("ville-paris", "dsol", common::v1::ROLE_PROFESSIONAL);
  const auto proof = BlockOn(handlers_.GetInclusionProof(CallOf(own), request));
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(proof->tree_size(), 1u);
  EXPECT_FALSE(proof->checkpoint().empty());
  const Caller other = InstitutionCaller("edf", "billing", common::v1::ROLE_SIGNAL_SENDER);
  EXPECT_EQ(ReasonOf(BlockOn(handlers_.GetInclusionProof(CallOf(other), request)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
  request.set_leaf_index(index + 1);
  EXPECT_EQ(ReasonOf(BlockOn(handlers_.GetInclusionProof(CallOf(own), request)).status()),
            common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

TEST_F(AuditHandlersTest, ConsistencyIsWithinTheLog) {
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "a");
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "a");
  audit::v1::GetConsistencyProofRequest request;
  request.set_old_size(1);
  request.set_new_size(2);
  const auto proof = BlockOn(handlers_.GetConsistencyProof(CallOf(ServiceCaller("routing")), request));
  ASSERT_TRUE(proof.ok()) << proof.status();
  EXPECT_EQ(proof->hashes_size(), 1);
  request.set_new_size(3);
  EXPECT_FALSE(BlockOn(handlers_.GetConsistencyProof(CallOf(ServiceCaller("routing")), request)).ok());
}

TEST_F(AuditHandlersTest, ListLeavesPages) {
  for (int i = 0; i < 5; ++i) {
    Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "a");
  }
  audit::v1::ListLeavesRequest request;
  request.set_from(1);
  request.set_limit(3);
  const auto page = BlockOn(handlers_.ListLeaves(CallOf(ServiceCaller("routing")), request));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->leaves_size(), 3);
  EXPECT_EQ(page->size(), 5u);
}

TEST_F(AuditHandlersTest, ACheckpointThatNeverComesEndsAtTheDeadline) {
  audit::v1::GetCheckpointRequest request;
  request.set_min_size(1);
  Call call = CallOf(ServiceCaller("routing"));
  call.deadline = clock_.Monotonic() + absl::Milliseconds(20);
  EXPECT_EQ(BlockOn(handlers_.GetCheckpoint(call, request)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  Write(audit::v1::EVENT_CLASS_CHECK_DECIDED, "a");
  const auto checkpoint = BlockOn(handlers_.GetCheckpoint(CallOf(ServiceCaller("routing")), request));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->checkpoint().rfind("relais.test/consent/1\n1\n", 0), 0u);
}

// Of a system whose scope has ended, or that never had one.
TEST_F(AuditHandlersTest, PagesOfTheLogNeedAScopeOverIt) {
  const Call other = CallOf(InstitutionCaller("auditor", "another", common::v1::ROLE_AUDITOR));
  EXPECT_EQ(ReasonOf(BlockOn(handlers_.ListLeaves(other, {})).status()),
            common::v1::ERROR_REASON_MISSING_ROLE);
  const Call suite = CallOf(InstitutionCaller("auditor", "suite", common::v1::ROLE_AUDITOR));
  EXPECT_TRUE(BlockOn(handlers_.ListLeaves(suite, {})).ok());
}

}  // namespace
}  // namespace relais::rpc
