#include "common/rpc/idempotency.h"

#include <gtest/gtest.h>

#include "common/rpc/refusal.h"
#include "common/rpc/testing/service_world.h"
#include "relais/consent/v1/consent_service.pb.h"

namespace relais::rpc {
namespace {

class IdempotencyTest : public ::testing::Test {
 protected:
  absl::StatusOr<Idempotency::Seen> Look(const std::string& institution, const std::string& method,
                                         const std::string& request_id, const std::string& purpose) {
    consent::v1::CheckRequest request;
    request.set_purpose(purpose);
    return ids_.Look(world_.store(), partition_, institution, method, request_id, request);
  }
  absl::Status Remember(const Idempotency::Seen& seen, const std::string& answer) {
    common::v1::Written written;
    written.set_revision(answer);
    storage::CommitRequest commit;
    commit.partition = partition_;
    Idempotency::Remember(seen, written, commit);
    return BlockOn(world_.store().Commit(std::move(commit))).status();
  }

  SystemClock clock_;
  ThreadPool executor_{2};
  testing::ServiceWorld world_{clock_, executor_};
  const Idempotency& ids_ = world_.context().idempotency;
  storage::Partition partition_{storage::PartitionKind::kPerson, world_.context().random.Id()};
};

TEST_F(IdempotencyTest, TheSameRequestGetsTheSameAnswer) {
  const auto first = Look("edf", "S/M", "r-1", "A");
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->answer);
  ASSERT_TRUE(Remember(*first, "o:12").ok());
  const auto again = Look("edf", "S/M", "r-1", "A");
  ASSERT_TRUE(again.ok());
  common::v1::Written answer;
  ASSERT_TRUE(again->answer && answer.ParseFromString(*again->answer));
  EXPECT_EQ(answer.revision(), "o:12");
}

TEST_F(IdempotencyTest, OtherContentUnderTheSameIdIsRefused) {
  ASSERT_TRUE(Remember(*Look("edf", "S/M", "r-1", "A"), "o:12").ok());
  const auto other = Look("edf", "S/M", "r-1", "B");
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(other.status()), common::v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(IdempotencyTest, IdsArePerInstitutionAndMethod) {
  ASSERT_TRUE(Remember(*Look("edf", "S/M", "r-1", "A"), "o:12").ok());
  EXPECT_FALSE(Look("caf", "S/M", "r-1", "B")->answer);
  EXPECT_FALSE(Look("edf", "S/N", "r-1", "B")->answer);
  EXPECT_FALSE(Look("edf", "S/M", "r-2", "B")->answer);
}

TEST_F(IdempotencyTest, OfTwoAtOnceOneWins) {
  const auto one = Look("edf", "S/M", "r-1", "A");
  const auto two = Look("edf", "S/M", "r-1", "A");
  EXPECT_TRUE(Remember(*one, "o:1").ok());
  EXPECT_EQ(Remember(*two, "o:2").code(), absl::StatusCode::kAborted);
}

TEST_F(IdempotencyTest, TheRowTellsNothingWithoutTheKey) {
  const auto seen = Look("edf", "S/M", "r-1", "ENERGY_AID");
  EXPECT_EQ(seen->key.find("r-1"), std::string::npos);
  const Idempotency other(Secret(std::string(32, 'k')));
  EXPECT_NE(other.Bucket("k", "edf", "x"), ids_.Bucket("k", "edf", "x"));
  EXPECT_EQ(ids_.Bucket("k", "edf", "x"), ids_.Bucket("k", "edf", "x"));
  EXPECT_EQ(ids_.Bucket("k", "edf", "x").kind, storage::PartitionKind::kIndexBucket);
}

}  // namespace
}  // namespace relais::rpc
