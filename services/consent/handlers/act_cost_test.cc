// What one act of a person costs the store.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "services/consent/testing/noting_store.h"
#include "services/consent/testing/world.h"

namespace relais::consent {
namespace {

using testing::NotingStore;
using testing::SimWorld;

class ActCost : public ::testing::Test {
 protected:
  rpc::ServiceContext Noting() {
    const rpc::ServiceContext& real = world_.context();
    return {real.clock,   real.random,      real.executor,    store_,         real.log,
            real.handles, real.suppression, real.idempotency, real.directory, real.maintenance};
  }
  absl::Status Record(const std::string& request_id) {
    return world_
        .Run(service_.agreements().RecordConsent(world_.As("ville-paris"),
                                                 SimWorld::ConsentFor(person_, request_id)))
        .status();
  }
  size_t StateReads() {
    const std::vector<std::string> keys = store_.TakeReads();
    return std::count(keys.begin(), keys.end(), std::string(kStateKey));
  }

  SimWorld world_;
  NotingStore store_{world_.harness().store()};
  Service service_{Noting(), Settings(), *calendar::Paris::Load()};
  const common::v1::PersonRef person_ = world_.NewPerson("case-1");
};

TEST_F(ActCost, TheEndAndTheAgreementAreOneSubmissionTheEndFirst) {
  ASSERT_TRUE(Record("a1").ok());
  EXPECT_EQ(store_.TakeSubmissions(), 1u);
  const auto commits = store_.Take();
  ASSERT_EQ(commits.size(), 2u);
  EXPECT_EQ(commits[0].kind, storage::PartitionKind::kIndexBucket);
  EXPECT_EQ(commits[0].preconditions, 0u);  // nothing that could keep it from being there
  EXPECT_EQ(commits[1].kind, storage::PartitionKind::kPerson);
  EXPECT_EQ(commits[1].leaves.size(), 1u);
}

TEST_F(ActCost, AKnownPersonsStateIsReadOnce) {
  ASSERT_TRUE(Record("a1").ok());
  EXPECT_EQ(StateReads(), 1u);
  ASSERT_TRUE(Record("a2").ok());
  EXPECT_EQ(StateReads(), 0u);
}

TEST_F(ActCost, AStaleStateIsReadAgainAndTheActIsMadeOnIt) {
  ASSERT_TRUE(Record("a1").ok());
  // Somebody else's act, of which this service's cache knows nothing.
  ASSERT_TRUE(world_.WithdrawAll(person_, "w1").ok());
  StateReads();
  ASSERT_TRUE(Record("a2").ok());
  EXPECT_EQ(StateReads(), 1u);
  const auto loaded = service_.registry().store.LoadFresh(world_.IdOf(person_));
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->state->agreements().size(), 2u);
  EXPECT_EQ(loaded->state->denials().size(), 1u);
}

TEST_F(ActCost, WhoIsAboutToBeErasedIsNobodyWhateverTheCacheHas) {
  ASSERT_TRUE(Record("a1").ok());
  world_.log().keys().Freeze(PersonSubject(world_.IdOf(person_)));
  EXPECT_EQ(rpc::ReasonOf(Record("a2")), common::v1::ERROR_REASON_NO_SUCH_OR_NOT_YOURS);
}

}  // namespace
}  // namespace relais::consent
