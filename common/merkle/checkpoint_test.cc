#include "common/merkle/checkpoint.h"

#include <string>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

// The example of c2sp.org/tlog-checkpoint.
const std::string kPublished =
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

TEST(CheckpointTest, PublishedExample) {
  const auto checkpoint = ParseCheckpoint(kPublished);
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_EQ(checkpoint->origin, "example.com/behind-the-sofa");
  EXPECT_EQ(checkpoint->size, 20852163U);
  EXPECT_EQ(HashToHex(checkpoint->root).substr(0, 8), "0ac5186a");
  EXPECT_TRUE(checkpoint->extensions.empty());
  EXPECT_EQ(*FormatCheckpoint(*checkpoint), kPublished);
}

TEST(CheckpointTest, ExtensionsAndEmptyTree) {
  const Checkpoint checkpoint{"relais.example/consent/1", 0, EmptyRoot(), {"first", "second é"}};
  const std::string text = *FormatCheckpoint(checkpoint);
  EXPECT_EQ(text,
            "relais.example/consent/1\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nfirst\nsecond é\n");
  EXPECT_EQ(*ParseCheckpoint(text), checkpoint);
}

TEST(CheckpointTest, AnythingElseIsRefused) {
  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
  const std::string bad[] = {
      "",
      "\n",
      "o\n1\n",
      "o\n1\n" + root,
      "\n1\n" + root + "\n",
      "o\n01\n" + root + "\n",
      "o\n+1\n" + root + "\n",
      "o\n-1\n" + root + "\n",
      "o\n1 \n" + root + "\n",
      "o\n18446744073709551616\n" + root + "\n",
      "o\n\n" + root + "\n",
      "o\n1\n" + root.substr(1) + "\n",
      "o\n1\n" + root.substr(0, 40) + "\n",
      "o\n1\n" + root + " \n",
      "o\n1\n" + crypto::Base64Encode(std::string(31, 'r')) + "\n",
      "o\n1\n" + crypto::Base64Encode(std::string(33, 'r')) + "\n",
      "o\n1\n" + root + "\n\n",
      "o\n1\n" + root + "\n\next\n",
      "o\r\n1\r\n" + root + "\r\n",
      "o\xff\n1\n" + root + "\n",
  };
  for (const std::string& text : bad) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseCheckpoint(text).status())) << text;
  }
}

TEST(CheckpointTest, UnformattableIsRefused) {
  EXPECT_FALSE(FormatCheckpoint({"", 1, EmptyRoot(), {}}).ok());
  EXPECT_FALSE(FormatCheckpoint({"a\nb", 1, EmptyRoot(), {}}).ok());
  EXPECT_FALSE(FormatCheckpoint({"a", 1, EmptyRoot(), {""}}).ok());
  EXPECT_FALSE(FormatCheckpoint({"a", 1, EmptyRoot(), {"x\ny"}}).ok());
}

class SignedCheckpointTest : public ::testing::Test {
 protected:
  testing::SeededRandom random_{5};
  const crypto::SigningKey key_ = crypto::SigningKey::Generate(random_);
  const crypto::SigningKey other_ = crypto::SigningKey::Generate(random_);
  const Checkpoint checkpoint_{"relais.example/consent/1", 42, HashLeaf("root"), {}};
  const std::vector<NoteVerifier> verifiers_ = {{"relais.example/consent/1", key_.verify_key()},
                                                {"relais.example/routing/1", other_.verify_key()}};
};

TEST_F(SignedCheckpointTest, OpensForItsOrigin) {
  const std::string note = *SignCheckpoint(checkpoint_, key_);
  EXPECT_EQ(*OpenCheckpoint(note, "relais.example/consent/1", verifiers_), checkpoint_);
  EXPECT_FALSE(OpenCheckpoint(note, "relais.example/consent/2", verifiers_).ok());
  EXPECT_FALSE(OpenCheckpoint(note, "relais.example/routing/1", verifiers_).ok());
  EXPECT_FALSE(OpenCheckpoint(note, "relais.example/consent/1", {}).ok());
  EXPECT_FALSE(SignCheckpoint({"not a key name", 1, EmptyRoot(), {}}, key_).ok());
}

// The key of one log must not speak for another, whatever it signs.
TEST_F(SignedCheckpointTest, AnotherLogsKeyCountsForNothing) {
  const std::string text = *FormatCheckpoint(checkpoint_);
  const std::string by_other = *SignNote(text, "relais.example/routing/1", other_);
  EXPECT_FALSE(OpenCheckpoint(by_other, "relais.example/consent/1", verifiers_).ok());
  EXPECT_FALSE(OpenCheckpoint(by_other, "relais.example/routing/1", verifiers_).ok());
  const std::string forged = *SignNote(text, "relais.example/consent/1", other_);
  EXPECT_FALSE(OpenCheckpoint(forged, "relais.example/consent/1", verifiers_).ok());
}

}  // namespace
}  // namespace relais::merkle
