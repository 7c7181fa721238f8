#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/log.h"
#include "common/audit/testing/log_harness.h"

namespace relais::audit {
namespace {

using ::testing::HasSubstr;
using testing::Person;
using testing::SimLogHarness;
using testing::SubjectEvent;

class VerifyTest : public ::testing::Test {
 protected:
  VerifyTest() {
    harness_.AppendMany(4);
    harness_.Append(SubjectEvent(Person(1)));
    harness_.AppendMany(6);
    auto proof = harness_.Run(harness_.log().Prove(4, /*with_key=*/true));
    EXPECT_TRUE(proof.ok()) << proof.status();
    proof_ = *std::move(proof);
  }
  [[nodiscard]] absl::Status Verify(const common::v1::Proof& proof) const {
    return VerifyProof(proof, {harness_.verify_key()}).status();
  }

  SimLogHarness harness_;
  common::v1::Proof proof_;
};

TEST_F(VerifyTest, AcceptsAndOpens) {
  const auto verified = VerifyProof(proof_, {harness_.verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->index, 4U);
  EXPECT_GE(verified->tree_size, 5U);
  EXPECT_EQ(verified->leaf.header.institution(), "ville-paris");
  ASSERT_TRUE(verified->details.has_value());
  EXPECT_FALSE(verified->details->has_subject());  // a receipt names no raw id
}

TEST_F(VerifyTest, WithoutKeyNothingIsOpened) {
  proof_.clear_leaf_key();
  const auto verified = VerifyProof(proof_, {harness_.verify_key()});
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->details.has_value());
}

TEST_F(VerifyTest, EveryBitOfTheLeafCounts) {
  for (size_t bit = 0; bit < proof_.leaf().size() * 8; ++bit) {
    common::v1::Proof flipped = proof_;
    char& byte = (*flipped.mutable_leaf())[bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    ASSERT_THAT(std::string(Verify(flipped).message()), HasSubstr("proof: inclusion")) << bit;
  }
}

TEST_F(VerifyTest, NamesTheCheckThatFailed) {
  common::v1::Proof proof = proof_;
  proof.set_checkpoint(proof.checkpoint() + "x");
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: checkpoint"));
  proof = proof_;
  proof.set_origin("relais.test/other/1");
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: checkpoint"));
  proof = proof_;
  proof.set_tree_size(proof.tree_size() + 1);
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: tree size"));
  proof = proof_;
  proof.set_leaf_index(3);
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: inclusion"));
  proof = proof_;
  proof.mutable_inclusion()->RemoveLast();
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: inclusion"));
  proof = proof_;
  proof.add_inclusion("short");
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: inclusion"));
  proof = proof_;
  proof.set_leaf_key(std::string(32, 'x'));
  EXPECT_THAT(std::string(Verify(proof).message()), HasSubstr("proof: leaf key"));
}

TEST_F(VerifyTest, OnlyAKeyOfThatLogCounts) {
  relais::testing::SeededRandom random(99);
  const auto stranger = crypto::SigningKey::Generate(random).verify_key();
  EXPECT_THAT(std::string(VerifyProof(proof_, {}).status().message()), HasSubstr("proof: checkpoint"));
  EXPECT_FALSE(VerifyProof(proof_, {{harness_.log().origin(), stranger}}).ok());
  // The right key under another log's name.
  EXPECT_FALSE(VerifyProof(proof_, {{"relais.test/other/1", harness_.verify_key().key}}).ok());
}

}  // namespace
}  // namespace relais::audit
