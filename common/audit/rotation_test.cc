// Replacing a log's signing key: old alone, both, new alone; and verifiers that know either or both.
#include <gtest/gtest.h>

#include "common/audit/leaf.h"
#include "common/audit/start.h"
#include "common/audit/testing/log_harness.h"
#include "common/merkle/checkpoint.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit {
namespace {

using testing::HarnessOptions;
using testing::SimLogHarness;

class RotationTest : public ::testing::Test {
 protected:
  RotationTest() : harness_(Options()) { Record(); }

  HarnessOptions Options() {
    HarnessOptions options;
    options.published_path = temp_.path() + "/published";
    options.signers = {old_};
    return options;
  }
  void Record() {
    ASSERT_TRUE(harness_.Run(RecordStart(harness_.log(), harness_.store(), "service/test", 1)).ok());
  }
  absl::Status Restart(std::vector<crypto::SigningKey> signers) {
    harness_.log().Stop();
    harness_.Crash();
    harness_.options().signers = std::move(signers);
    return harness_.Reopen();
  }
  std::string Checkpoint() {
    return harness_.Run(harness_.log().Checkpoint(harness_.log().state().size)).value();
  }
  // Whether who knows exactly these keys believes it.
  [[nodiscard]] static bool Opens(const std::string& note, const std::vector<crypto::SigningKey>& known) {
    std::vector<merkle::NoteVerifier> verifiers;
    for (const crypto::SigningKey& key : known) {
      verifiers.push_back({"relais.test/test/1", key.verify_key()});
    }
    return merkle::OpenCheckpoint(note, "relais.test/test/1", verifiers).ok();
  }
  std::vector<audit::v1::EventClass> Classes() {
    std::vector<audit::v1::EventClass> classes;
    const std::vector<std::string> leaves = harness_.log().ReadLeaves(0, 100).value();
    for (const std::string& bytes : leaves) {
      classes.push_back(ParseLeaf(bytes)->header.event_class());
    }
    return classes;
  }

  storage::testing::TempFolder temp_;
  relais::testing::SeededRandom random_{11};
  crypto::SigningKey old_ = crypto::SigningKey::Generate(random_);
  crypto::SigningKey new_ = crypto::SigningKey::Generate(random_);
  SimLogHarness harness_;
};

TEST_F(RotationTest, OldThenBothThenNew) {
  const std::string first = Checkpoint();
  EXPECT_TRUE(Opens(first, {old_}));
  EXPECT_TRUE(Opens(first, {old_, new_}));
  EXPECT_FALSE(Opens(first, {new_}));

  ASSERT_TRUE(Restart({old_, new_}).ok());
  Record();
  const std::string both = Checkpoint();
  EXPECT_TRUE(Opens(both, {old_}));
  EXPECT_TRUE(Opens(both, {old_, new_}));
  EXPECT_TRUE(Opens(both, {new_}));

  ASSERT_TRUE(Restart({new_}).ok());
  Record();
  const std::string last = Checkpoint();
  EXPECT_FALSE(Opens(last, {old_}));
  EXPECT_TRUE(Opens(last, {old_, new_}));
  EXPECT_TRUE(Opens(last, {new_}));

  using audit::v1::EVENT_CLASS_LOG_KEYS_CHANGED;
  using audit::v1::EVENT_CLASS_LOG_OPENED;
  using audit::v1::EVENT_CLASS_SERVICE_STARTED;
  EXPECT_EQ(Classes(),
            (std::vector<audit::v1::EventClass>{EVENT_CLASS_LOG_OPENED, EVENT_CLASS_SERVICE_STARTED,
                                                EVENT_CLASS_LOG_KEYS_CHANGED, EVENT_CLASS_SERVICE_STARTED,
                                                EVENT_CLASS_LOG_KEYS_CHANGED, EVENT_CLASS_SERVICE_STARTED}));
  const auto opened = harness_.log().ReadOpened(4, 1).value();
  audit::v1::LogKeysChanged change;
  ASSERT_TRUE(opened[0].details.payload().UnpackTo(&change));
  const std::string old_key = merkle::VerifierKeyString("relais.test/test/1", old_.verify_key());
  const std::string new_key = merkle::VerifierKeyString("relais.test/test/1", new_.verify_key());
  EXPECT_EQ(change.keys(0), new_key);
  EXPECT_EQ(change.keys_size(), 1);
  EXPECT_EQ(change.previous(0), old_key);
  EXPECT_EQ(change.previous(1), new_key);
}

TEST_F(RotationTest, TheSameKeysLeaveNoLeaf) {
  ASSERT_TRUE(Restart({old_}).ok());
  Record();
  EXPECT_EQ(Classes().size(), 3U);
}

TEST_F(RotationTest, AKeyReplacedWithoutOverlapIsRefused) {
  const absl::Status status = Restart({new_});
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("let both sign for a while"), std::string::npos);
  // Nothing is lost: with the old one again it starts.
  ASSERT_TRUE(Restart({old_}).ok());
}

TEST_F(RotationTest, ReceiptsOfEveryStageVerifyWithTheKeysListed) {
  std::vector<common::v1::Proof> receipts;
  receipts.push_back(harness_.Run(harness_.log().Prove(0, true)).value());
  ASSERT_TRUE(Restart({old_, new_}).ok());
  receipts.push_back(harness_.Run(harness_.log().Prove(0, true)).value());
  ASSERT_TRUE(Restart({new_}).ok());
  receipts.push_back(harness_.Run(harness_.log().Prove(0, true)).value());
  const std::vector<NamedVerifyKey> listed = {{"relais.test/test/1", old_.verify_key()},
                                              {"relais.test/test/1", new_.verify_key()}};
  for (const common::v1::Proof& receipt : receipts) {
    EXPECT_TRUE(VerifyProof(receipt, listed).ok());
  }
  EXPECT_TRUE(VerifyProof(receipts[0], {listed[0]}).ok());
  EXPECT_FALSE(VerifyProof(receipts[0], {listed[1]}).ok());
  EXPECT_FALSE(VerifyProof(receipts[2], {listed[0]}).ok());
}

}  // namespace
}  // namespace relais::audit
