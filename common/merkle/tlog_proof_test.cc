#include "common/merkle/tlog_proof.h"

#include <string>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/merkle/testing/reference_tree.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

class TlogProofTest : public ::testing::Test {
 protected:
  [[nodiscard]] TlogProof Proof(uint64_t index) const {
    return {std::nullopt, index, testing::ReferenceInclusion(index, leaves_),
            *SignCheckpoint({"example.com/log", leaves_.size(), testing::ReferenceRoot(leaves_), {}}, log_)};
  }
  [[nodiscard]] bool Verifies(const std::string& text, const std::string& leaf) const {
    const auto proof = ParseTlogProof(text);
    return proof.ok() && VerifyTlogProof(*proof, leaf, *ParsePolicy("quorum none\n"), logs_).ok();
  }

  relais::testing::SeededRandom random_{3};
  crypto::SigningKey log_ = crypto::SigningKey::Generate(random_);
  std::vector<NoteVerifier> logs_ = {{"example.com/log", log_.verify_key()}};
  std::vector<Hash> leaves_ = testing::SomeLeaves(11);
};

TEST_F(TlogProofTest, FormatsAndParses) {
  TlogProof proof = Proof(5);
  const std::string text = *FormatTlogProof(proof);
  EXPECT_EQ(text.substr(0, 31), "c2sp.org/tlog-proof@v1\nindex 5\n");
  EXPECT_NE(text.find("=\n\nexample.com/log\n11\n"), std::string::npos);
  EXPECT_EQ(*FormatTlogProof(*ParseTlogProof(text)), text);
  proof.extra = "opaque";
  const std::string extra = *FormatTlogProof(proof);
  EXPECT_EQ(extra.substr(0, 45), "c2sp.org/tlog-proof@v1\nextra b3BhcXVl\nindex 5");
  EXPECT_EQ(ParseTlogProof(extra)->extra, "opaque");
  proof.extra = "";
  EXPECT_EQ(ParseTlogProof(*FormatTlogProof(proof))->extra, "");
  // A log of one leaf has no hashes.
  const std::vector<Hash> one = testing::SomeLeaves(1);
  const std::string lone = *FormatTlogProof(
      {std::nullopt, 0, {}, *SignCheckpoint({"example.com/log", 1, testing::ReferenceRoot(one), {}}, log_)});
  EXPECT_EQ(lone.substr(0, 47), "c2sp.org/tlog-proof@v1\nindex 0\n\nexample.com/log");
  EXPECT_TRUE(Verifies(lone, "leaf 0"));
}

TEST_F(TlogProofTest, Verifies) {
  for (uint64_t index = 0; index < leaves_.size(); ++index) {
    const std::string text = *FormatTlogProof(Proof(index));
    EXPECT_TRUE(Verifies(text, "leaf " + std::to_string(index)));
    EXPECT_FALSE(Verifies(text, "leaf " + std::to_string(index + 1)));
  }
}

TEST_F(TlogProofTest, AnyFlippedBitOrCutIsRefused) {
  const std::string text = *FormatTlogProof(Proof(5));
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string changed = text;
    changed[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(Verifies(changed, "leaf 5")) << bit;
  }
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(Verifies(text.substr(0, size), "leaf 5")) << size;
  }
}

TEST_F(TlogProofTest, StrictForm) {
  const std::string text = *FormatTlogProof(Proof(5));
  const auto with = [&text](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return ParseTlogProof(changed).ok();
  };
  EXPECT_TRUE(with("index 5", "index 6"));  // well-formed, though it proves nothing
  EXPECT_FALSE(with("index 5", "index 05"));
  EXPECT_FALSE(with("index 5", "index  5"));
  EXPECT_FALSE(with("index 5\n", ""));
  EXPECT_FALSE(with("index 5", "extra ***\nindex 5"));
  EXPECT_FALSE(with("index 5", "index 5\nextra AA=="));
  EXPECT_FALSE(with("index 5\n", "index 5\nAA==\n"));
  EXPECT_FALSE(with("@v1", "@v2"));
  EXPECT_FALSE(with("\n\nexample", "\n\n\nexample") && Verifies(text, "leaf 6"));
  TlogProof proof = Proof(5);
  proof.hashes.resize(64);
  EXPECT_FALSE(FormatTlogProof(proof).ok());
  proof = Proof(5);
  proof.checkpoint = "no note";
  EXPECT_FALSE(FormatTlogProof(proof).ok());
}

TEST_F(TlogProofTest, AQuorumIsDemanded) {
  const std::string witness = VerifierKeyString("w", log_.verify_key(), KeyType::kCosignature);
  const auto policy = ParsePolicy("witness w " + witness + "\nquorum w\n");
  EXPECT_FALSE(VerifyTlogProof(Proof(5), "leaf 5", *policy, logs_).ok());
}

}  // namespace
}  // namespace relais::merkle
