#include "common/audit/continuation.h"

#include <gmock/gmock.h>

#include "common/audit/log_check.h"
#include "common/audit/start.h"
#include "common/audit/testing/log_harness.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit {
namespace {

using internal::GoesOn;
using internal::PreviousOrigin;
using testing::HarnessOptions;
using ::testing::HasSubstr;
using testing::SimLogHarness;

constexpr char kFirst[] = "relais.test/test/1";
constexpr char kSecond[] = "relais.test/test/2";

TEST(Continuation, Origins) {
  EXPECT_EQ(PreviousOrigin(kSecond).value(), kFirst);
  EXPECT_FALSE(PreviousOrigin(kFirst).ok());
  EXPECT_FALSE(PreviousOrigin("relais.test/test").ok());
  EXPECT_TRUE(GoesOn(kFirst, kSecond));
  EXPECT_TRUE(GoesOn(kFirst, "relais.test/test/3"));
  EXPECT_FALSE(GoesOn(kSecond, kFirst));
  EXPECT_FALSE(GoesOn(kFirst, "relais.test/other/2"));
  EXPECT_FALSE(GoesOn("", kSecond));
}

// A log of eight leaves, published, whose store went back to five.
class LossTest : public ::testing::Test {
 protected:
  LossTest() : harness_({.published_path = folder_.path() + "/checkpoint"}) {
    harness_.AppendMany(5);
    old_receipt_ = harness_.Run(harness_.log().Prove(3, false)).value();
    const auto backup = harness_.disk()->Clone();
    harness_.AppendMany(3);
    EXPECT_TRUE(harness_.Run(harness_.log().Checkpoint(8)).ok());
    harness_.Crash();
    harness_.disk() = backup;
  }
  absl::Status Reopen(const std::string& origin, bool accept_loss) {
    harness_.options().origin = origin;
    harness_.options().accept_loss = accept_loss;
    return harness_.Reopen();
  }
  const storage::testing::TempFolder folder_;
  SimLogHarness harness_;
  common::v1::Proof old_receipt_;
};

TEST_F(LossTest, IsRefusedUnlessAcceptedUnderTheNextOrigin) {
  EXPECT_TRUE(absl::IsDataLoss(Reopen(kFirst, false)));
  const absl::Status same = Reopen(kFirst, true);
  EXPECT_TRUE(absl::IsFailedPrecondition(same)) << same;
  EXPECT_THAT(std::string(same.message()), HasSubstr("next epoch"));
  EXPECT_FALSE(Reopen(kSecond, false).ok()) << "not by a change of the settings alone";
  EXPECT_TRUE(absl::IsFailedPrecondition(Reopen("relais.test/test/3", true)));
}

TEST_F(LossTest, TheNewLogSaysWhatWasLostAndKeepsWhatWasNot) {
  const NamedVerifyKey first = harness_.verify_key();
  ASSERT_TRUE(Reopen(kSecond, true).ok());
  ASSERT_TRUE(harness_.log().lost().has_value());
  ASSERT_TRUE(harness_.Run(RecordContinued(harness_.log(), harness_.store(), "service/test", 1)).ok());
  ASSERT_TRUE(harness_.Run(RecordStart(harness_.log(), harness_.store(), "service/test", 1)).ok());
  const auto leaves = harness_.log().ReadOpened(0, 100);
  ASSERT_EQ(leaves->size(), 7);
  EXPECT_EQ((*leaves)[5].leaf.header.event_class(), audit::v1::EVENT_CLASS_LOG_CONTINUED);
  audit::v1::LogContinued continued;
  ASSERT_TRUE((*leaves)[5].details.payload().UnpackTo(&continued));
  EXPECT_EQ(continued.lost_from(), 5);
  EXPECT_EQ(continued.lost_to(), 8);
  EXPECT_EQ(continued.previous_origin(), kFirst);
  EXPECT_THAT(continued.last_checkpoint(), HasSubstr("relais.test/test/1\n8\n"));
  // A receipt of the old log, of a leaf that was kept, verifies as ever; and the leaf is in the new one.
  EXPECT_TRUE(VerifyProof(old_receipt_, {first}).ok());
  const auto again = harness_.Run(harness_.log().Prove(3, false));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->leaf(), old_receipt_.leaf());
  EXPECT_TRUE(VerifyProof(*again, {harness_.verify_key()}).ok());
  EXPECT_EQ(harness_.log().OriginOf(4), kFirst);
  EXPECT_EQ(harness_.log().OriginOf(5), kSecond);
  EXPECT_FALSE(VerifyProof(*again, {first}).ok()) << "the old key's name vouches for the old log only";
}

TEST_F(LossTest, AfterwardsItStartsAsAnyLogUnderItsOrigin) {
  ASSERT_TRUE(Reopen(kSecond, true).ok());
  ASSERT_TRUE(harness_.Run(RecordContinued(harness_.log(), harness_.store(), "service/test", 1)).ok());
  // Crashed before its first checkpoint: the old one is still what was published last.
  harness_.Crash();
  ASSERT_TRUE(Reopen(kSecond, true).ok());
  EXPECT_FALSE(harness_.log().lost().has_value()) << "said once";
  ASSERT_TRUE(harness_.Run(harness_.log().Checkpoint(6)).ok());
  harness_.Crash();
  ASSERT_TRUE(Reopen(kSecond, false).ok());
  EXPECT_EQ(harness_.log().state().origin, kSecond);
  EXPECT_EQ(harness_.log().OriginOf(4), kFirst) << "so that effects of old leaves keep their request ids";
  EXPECT_EQ(harness_.log().OriginOf(5), kSecond);
  harness_.Crash();
  const absl::Status old = Reopen(kFirst, false);
  EXPECT_TRUE(absl::IsFailedPrecondition(old)) << old;
  EXPECT_THAT(std::string(old.message()), HasSubstr(kSecond));
  EXPECT_TRUE(Reopen(kSecond, true).ok()) << "a flag left behind does no harm";
  EXPECT_FALSE(harness_.log().lost().has_value());
}

// ---- followers

merkle::Hash LeafHash(uint64_t i) { return merkle::HashLeaf("leaf " + std::to_string(i)); }
LogState StateAt(uint64_t size, const std::string& origin, uint64_t kept) {
  merkle::Frontier tree;
  for (uint64_t i = 0; i < size; ++i) {
    tree.Append(i < kept ? LeafHash(i) : merkle::HashLeaf("new " + std::to_string(i)), nullptr);
  }
  return {origin, size, tree.root()};
}

class FollowerOfALoss : public ::testing::Test {
 protected:
  void ReadOld(uint64_t size) {
    check_.ProbeSent(absl::Seconds(1));
    ASSERT_TRUE(check_.ProbeAnswered(StateAt(size, kFirst, size)).ok());
    while (check_.read() < size) {
      ASSERT_TRUE(check_.Append(LeafHash(check_.read())).ok());
    }
  }
  internal::LogCheck check_{"", merkle::Frontier()};
};

TEST_F(FollowerOfALoss, GoesOnWhereItReadNothingThatWasLost) {
  ReadOld(4);
  check_.ProbeSent(absl::Seconds(2));
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(6, kSecond, 5)).ok());
  EXPECT_EQ(check_.origin(), kSecond);
  ASSERT_TRUE(check_.Append(LeafHash(4)).ok());
  ASSERT_TRUE(check_.Append(merkle::HashLeaf("new 5")).ok());
  EXPECT_EQ(check_.Proven(6), absl::Seconds(2));
}

TEST_F(FollowerOfALoss, AlarmsWhenItReadMoreThanWasKept) {
  ReadOld(8);
  check_.ProbeSent(absl::Seconds(2));
  const absl::Status shorter = check_.ProbeAnswered(StateAt(6, kSecond, 5));
  EXPECT_TRUE(absl::IsDataLoss(shorter));
  EXPECT_THAT(std::string(shorter.message()), HasSubstr("rebuild"));
}

TEST_F(FollowerOfALoss, AlarmsHoweverLongTheNewLogIsByThen) {
  ReadOld(8);
  check_.ProbeSent(absl::Seconds(2));
  EXPECT_TRUE(absl::IsDataLoss(check_.ProbeAnswered(StateAt(8, kSecond, 5))));
}

TEST_F(FollowerOfALoss, NeverGoesBackToAnEarlierOrigin) {
  ReadOld(4);
  check_.ProbeSent(absl::Seconds(2));
  ASSERT_TRUE(check_.ProbeAnswered(StateAt(5, kSecond, 4)).ok());
  check_.ProbeSent(absl::Seconds(3));
  EXPECT_TRUE(absl::IsDataLoss(check_.ProbeAnswered(StateAt(8, kFirst, 8))));
}

}  // namespace
}  // namespace relais::audit
