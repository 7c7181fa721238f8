#include "common/audit/checkpoints.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/audit/testing/log_harness.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::audit::internal {
namespace {

class CheckpointsTest : public ::testing::Test {
 protected:
  static constexpr const char* kOrigin = "relais.test/test/1";

  CheckpointsTest() { Make(""); }
  ~CheckpointsTest() override {
    checkpoints_->Stop();
    sim_.RunFor(absl::Minutes(1));
  }
  void Make(const std::string& path) {
    checkpoints_ = std::make_shared<Checkpoints>(
        kOrigin, std::vector<LogOptions::Signer>{{kOrigin, key_}, {kOrigin, next_key_}}, path, sim_, sim_);
  }
  void Grow() {
    tree_.Append(merkle::HashLeaf("x"), nullptr);
    checkpoints_->Grown(tree_.size(), tree_.root());
  }
  absl::StatusOr<SignedCheckpoint> AtLeast(uint64_t size, absl::Duration wait = absl::Seconds(30)) {
    std::optional<absl::StatusOr<SignedCheckpoint>> result;
    Start(Checkpoints::AtLeast(checkpoints_, size, wait), [&](auto value) { result = std::move(value); });
    EXPECT_TRUE(sim_.RunUntil([&] { return result.has_value(); }, absl::Hours(1)));
    return *std::move(result);
  }

  relais::testing::SimExecutor sim_{1, absl::FromUnixSeconds(1'800'000'000)};
  relais::testing::SeededRandom random_{5};
  crypto::SigningKey key_ = crypto::SigningKey::Generate(random_);
  crypto::SigningKey next_key_ = crypto::SigningKey::Generate(random_);
  merkle::Frontier tree_;
  std::shared_ptr<Checkpoints> checkpoints_;
};

TEST_F(CheckpointsTest, EveryKeySigns) {
  Grow();
  const auto checkpoint = AtLeast(1);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  for (const crypto::SigningKey& key : {key_, next_key_}) {
    const std::vector<merkle::NoteVerifier> verifiers = {{kOrigin, key.verify_key()}};
    const auto opened = merkle::OpenCheckpoint(checkpoint->note, kOrigin, verifiers);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->size, 1U);
    EXPECT_EQ(opened->root, tree_.root());
  }
}

TEST_F(CheckpointsTest, SignsAtMostEveryFiftyMilliseconds) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    Grow();
    sim_.RunFor(absl::Milliseconds(1));
    seen.insert(AtLeast(0)->note);
  }
  EXPECT_GE(seen.size(), 19U);
  EXPECT_LE(seen.size(), 21U);
}

TEST_F(CheckpointsTest, AGrownLogIsProvableWithinFiftyMillisecondsUnasked) {
  Grow();
  sim_.RunFor(absl::Milliseconds(1));
  Grow();
  sim_.RunFor(absl::Milliseconds(50));
  EXPECT_EQ(AtLeast(0)->size, 2U);
}

TEST_F(CheckpointsTest, WaitsForASizeAndGivesUp) {
  Grow();
  sim_.PostAfter(absl::Seconds(10), [this] { Grow(); });
  const auto reached = AtLeast(2);
  ASSERT_TRUE(reached.ok()) << reached.status();
  EXPECT_EQ(reached->size, 2U);
  EXPECT_LE(sim_.Monotonic(), absl::Milliseconds(10'050));
  EXPECT_TRUE(absl::IsUnavailable(AtLeast(3, absl::Seconds(30)).status()));
}

TEST_F(CheckpointsTest, StopSignsTheLastAndEndsWaiting) {
  Grow();
  sim_.RunFor(absl::Seconds(1));
  Grow();
  checkpoints_->Stop();
  EXPECT_EQ(AtLeast(2)->size, 2U);
  EXPECT_TRUE(absl::IsUnavailable(AtLeast(3).status()));
}

TEST_F(CheckpointsTest, PublishesBeforeGivingOut) {
  const storage::testing::TempFolder folder;
  const std::string path = folder.path() + "/checkpoint";
  Make(path);
  EXPECT_FALSE((*checkpoints_->Published()).has_value());
  Grow();
  ASSERT_EQ(AtLeast(1)->size, 1U);
  EXPECT_EQ((*checkpoints_->Published())->size, 1U);
  Grow();
  ASSERT_EQ(AtLeast(2)->size, 2U);
  EXPECT_EQ((*checkpoints_->Published())->size, 2U);
  // A power cut may leave the last file empty; the one before it is on the disk.
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ((*checkpoints_->Published())->size, 1U);
  std::filesystem::resize_file(path + ".synced", 0);
  EXPECT_TRUE(absl::IsDataLoss(checkpoints_->Published().status()));
}

TEST_F(CheckpointsTest, WhatCannotBePublishedIsNotGivenOut) {
  const storage::testing::TempFolder folder;
  const std::string missing = folder.path() + "/later";
  Make(missing + "/checkpoint");
  Grow();
  EXPECT_TRUE(absl::IsUnavailable(AtLeast(1, absl::Seconds(5)).status()));
  std::filesystem::create_directory(missing);
  EXPECT_EQ(AtLeast(1)->size, 1U);
}

}  // namespace
}  // namespace relais::audit::internal
