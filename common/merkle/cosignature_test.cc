#include "common/merkle/cosignature.h"

#include <string>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/encoding.h"
#include "common/merkle/checkpoint.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

class CosignatureTest : public ::testing::Test {
 protected:
  relais::testing::SeededRandom random_{7};
  crypto::SigningKey log_ = crypto::SigningKey::Generate(random_);
  crypto::SigningKey witness_ = crypto::SigningKey::Generate(random_);
  crypto::SigningKey other_ = crypto::SigningKey::Generate(random_);
  std::string note_ = *SignCheckpoint({"example.com/log", 7, HashLeaf("root"), {}}, log_);
  std::vector<NoteVerifier> witnesses_ = {{"w.example/1", witness_.verify_key()},
                                          {"w.example/2", other_.verify_key()}};

  [[nodiscard]] UnverifiedNote Cosigned(uint64_t time) const {
    UnverifiedNote note = *ParseNote(note_);
    note.signatures.push_back(*Cosign(note.text, "w.example/1", witness_, time));
    return note;
  }
};

TEST_F(CosignatureTest, TheSignedMessageIsTheSpecifications) {
  const UnverifiedNote note = Cosigned(1'679'315'147);
  const NoteSignature& line = note.signatures[1];
  EXPECT_EQ(crypto::HexEncode(line.signature.substr(0, 8)), "00000000641850cb");
  EXPECT_TRUE(witness_.verify_key().Verify("cosignature/v1\ntime 1679315147\n" + note.text,
                                           line.signature.substr(8)));
  EXPECT_EQ(line.key_id, NoteKeyId("w.example/1", witness_.verify_key(), KeyType::kCosignature));
  EXPECT_NE(line.key_id, NoteKeyId("w.example/1", witness_.verify_key()));
}

TEST_F(CosignatureTest, Verifies) {
  const auto found = VerifyCosignatures(Cosigned(42), witnesses_);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].witness, 0U);
  EXPECT_EQ((*found)[0].timestamp, 42U);
  EXPECT_EQ((*found)[0].line, 1U);
  // The checkpoint still opens for those who know the log alone.
  const std::vector<NoteVerifier> logs = {{"example.com/log", log_.verify_key()}};
  EXPECT_TRUE(OpenCheckpoint(*FormatNote(Cosigned(42)), "example.com/log", logs).ok());
}

TEST_F(CosignatureTest, TheLatestOfOneWitnessCounts) {
  UnverifiedNote note = Cosigned(42);
  note.signatures.push_back(*Cosign(note.text, "w.example/1", witness_, 50));
  note.signatures.push_back(*Cosign(note.text, "w.example/1", witness_, 45));
  const auto found = VerifyCosignatures(note, witnesses_);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ((*found)[0].timestamp, 50U);
  EXPECT_EQ((*found)[0].line, 2U);
}

TEST_F(CosignatureTest, AnotherTextKeyNameOrTypeCountsForNothingOrRefuses) {
  UnverifiedNote moved = Cosigned(42);
  moved.text = "example.com/log\n8\n" + moved.text.substr(moved.text.find('\n', 16) + 1);
  EXPECT_FALSE(VerifyCosignatures(moved, witnesses_).ok());

  UnverifiedNote unknown = *ParseNote(note_);
  unknown.signatures.push_back(*Cosign(unknown.text, "w.example/3", witness_, 1));
  EXPECT_TRUE(VerifyCosignatures(unknown, witnesses_)->empty());

  // A plain note signature by the witness's key is no cosignature.
  const std::string plain = *AddSignature(note_, "w.example/1", witness_);
  EXPECT_TRUE(VerifyCosignatures(*ParseNote(plain), witnesses_)->empty());
  // Nor is a cosignature a signature of the log.
  UnverifiedNote forged = *ParseNote(note_);
  forged.signatures = {*Cosign(forged.text, "example.com/log", log_, 1)};
  const std::vector<NoteVerifier> logs = {{"example.com/log", log_.verify_key()}};
  EXPECT_FALSE(VerifyNote(*FormatNote(forged), logs).ok());
}

TEST_F(CosignatureTest, EveryFlippedBitIsRefusedOrIgnored) {
  const UnverifiedNote good = Cosigned(42);
  for (size_t bit = 0; bit < good.signatures[1].signature.size() * 8; ++bit) {
    UnverifiedNote note = good;
    note.signatures[1].signature[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_FALSE(VerifyCosignatures(note, witnesses_).ok()) << bit;
  }
  for (int bit = 0; bit < 32; ++bit) {
    UnverifiedNote note = good;
    note.signatures[1].key_id ^= 1U << bit;
    EXPECT_TRUE(VerifyCosignatures(note, witnesses_)->empty()) << bit;
  }
}

TEST_F(CosignatureTest, Bounds) {
  EXPECT_TRUE(Cosign("a\n", "w", witness_, (uint64_t{1} << 63) - 1).ok());
  EXPECT_FALSE(Cosign("a\n", "w", witness_, uint64_t{1} << 63).ok());
  EXPECT_FALSE(Cosign("a\n", "a b", witness_, 1).ok());
  UnverifiedNote shortened = Cosigned(1);
  shortened.signatures[1].signature.pop_back();
  EXPECT_FALSE(VerifyCosignatures(shortened, witnesses_).ok());
}

TEST_F(CosignatureTest, VerifierKeysSayTheirType) {
  const std::string text = VerifierKeyString("w.example/1", witness_.verify_key(), KeyType::kCosignature);
  EXPECT_TRUE(ParseVerifierKey(text, KeyType::kCosignature).ok());
  EXPECT_FALSE(ParseVerifierKey(text).ok());
  const std::string log = VerifierKeyString("w.example/1", witness_.verify_key());
  EXPECT_FALSE(ParseVerifierKey(log, KeyType::kCosignature).ok());
}

TEST_F(CosignatureTest, NotesAreFormattedAsTheyWereParsed) {
  const std::string text = *FormatNote(Cosigned(42));
  EXPECT_EQ(*FormatNote(*ParseNote(text)), text);
  UnverifiedNote bad = Cosigned(42);
  bad.signatures[0].name = "a b";
  EXPECT_FALSE(FormatNote(bad).ok());
  bad.signatures.clear();
  EXPECT_FALSE(FormatNote(bad).ok());
}

}  // namespace
}  // namespace relais::merkle
