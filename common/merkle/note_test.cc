#include "common/merkle/note.h"

#include <string>
#include <vector>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

// The vectors of the reference implementation, golang.org/x/mod/sumdb/note, note_test.go.
constexpr std::string_view kPeterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view kPeterSecret = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr std::string_view kEnochKey = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const std::string kText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
const std::string kPeterLine =
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    "\n";
const std::string kEnochLine =
    "— EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

NoteVerifier Peter() { return *ParseVerifierKey(kPeterKey); }
NoteVerifier Enoch() { return *ParseVerifierKey(kEnochKey); }
crypto::SigningKey PeterSigning() {
  return *crypto::SigningKey::FromSeed(Secret(crypto::Base64Decode(kPeterSecret)->substr(1)));
}

std::string Error(const std::string& note, const std::vector<NoteVerifier>& verifiers) {
  const auto result = VerifyNote(note, verifiers);
  return result.ok() ? "" : std::string(result.status().message());
}

TEST(NoteTest, PublishedNoteIsReproduced) {
  EXPECT_EQ(*SignNote(kText, "PeterNeumann", PeterSigning()), kText + "\n" + kPeterLine);
  EXPECT_EQ(VerifierKeyString("PeterNeumann", PeterSigning().verify_key()), kPeterKey);
  EXPECT_EQ(NoteKeyId("PeterNeumann", Peter().key), 0xc74f20a3U);
}

TEST(NoteTest, PublishedNotesVerify) {
  const std::string both = kText + "\n" + kPeterLine + kEnochLine;
  const auto by_peter = VerifyNote(both, std::vector{Peter()});
  ASSERT_TRUE(by_peter.ok());
  EXPECT_EQ(by_peter->text, kText);
  EXPECT_EQ(by_peter->signed_by, std::vector<size_t>{0});
  const auto by_both = VerifyNote(both, std::vector{Enoch(), Peter()});
  ASSERT_TRUE(by_both.ok());
  EXPECT_EQ(by_both->signed_by, (std::vector<size_t>{1, 0}));
  EXPECT_EQ(Error(both, {}), "note: no signature of a known key");
  EXPECT_EQ(Error(kText + "\n" + kEnochLine, {Peter()}), "note: no signature of a known key");
  // Repeated signatures count once.
  EXPECT_EQ(VerifyNote(kText + "\n" + kPeterLine + kPeterLine, std::vector{Peter()})->signed_by.size(), 1U);
}

TEST(NoteTest, AWrongSignatureOfAKnownKeyRefusesTheNote) {
  const std::string inserted = kPeterLine.substr(0, 60) + "ABCD" + kPeterLine.substr(60);
  EXPECT_EQ(Error(kText + "\n" + inserted, {Peter()}), "note: wrong signature of a known key");
  EXPECT_EQ(Error(kText + "\n" + inserted + kEnochLine, {Peter(), Enoch()}),
            "note: wrong signature of a known key");
  EXPECT_EQ(Error("x" + kText + "\n" + kPeterLine, {Peter()}), "note: wrong signature of a known key");
  // Of an unknown key nothing is expected but its form.
  EXPECT_EQ(Error(kText + "\n" + inserted + kEnochLine, {Enoch()}), "");
}

TEST(NoteTest, AmbiguousVerifiersAreRefusedWhenUsed) {
  EXPECT_EQ(Error(kText + "\n" + kEnochLine, {Enoch(), Peter(), Enoch()}),
            "note: two given keys have the same name and id");
  EXPECT_EQ(Error(kText + "\n" + kPeterLine, {Enoch(), Peter(), Enoch()}), "");
}

TEST(NoteTest, MalformedNotesAreRefused) {
  const std::string bad[] = {
      "",
      "\n",
      "\n\n",
      kText,
      kText + "\n",
      kText + kPeterLine,
      kText + "\n" + kPeterLine.substr(0, kPeterLine.size() - 1),
      "\x01" + kText + "\n" + kPeterLine,
      "\xff" + kText + "\n" + kPeterLine,
      kText + "\n— Bad Name" + kPeterLine.substr(kPeterLine.find(" x08")),
      kText + "\n— Bad+Name" + kPeterLine.substr(kPeterLine.find(" x08")),
      kText + "\n" + kPeterLine + "Unexpected line.\n",
      kText + "\n" + kPeterLine + "\n",
      kText + "\n-" + kPeterLine.substr(3),
      kText + "\n— PeterNeumann x08goA==\n— PeterNeumann\n",
      kText + "\n— PeterNeumann x08gow==\n" + kPeterLine,
  };
  for (const std::string& note : bad) {
    EXPECT_FALSE(VerifyNote(note, std::vector{Peter()}).ok()) << note;
  }
  std::string many = kText + "\n";
  for (size_t i = 0; i < kMaxNoteSignatures; ++i) {
    many += kPeterLine;
  }
  EXPECT_EQ(Error(many, {Peter()}), "");
  EXPECT_EQ(Error(many + kPeterLine, {Peter()}), "note: too many signatures");
  EXPECT_EQ(Error(std::string(kMaxNoteBytes, 'x') + "\n\n" + kPeterLine, {Peter()}), "note: too long");
}

TEST(NoteTest, EveryAlteredByteIsRefused) {
  const std::string note = kText + "\n" + kPeterLine;
  for (size_t i = 0; i < note.size(); ++i) {
    std::string altered = note;
    altered[i] = static_cast<char>(altered[i] ^ 1);
    EXPECT_FALSE(VerifyNote(altered, std::vector{Peter()}).ok()) << altered;
  }
}

TEST(NoteTest, TextMayHoldEmptyLines) {
  const std::string text = "Ognuno sta solo sul cuor della terra\n\ned è subito sera.\n";
  const auto note = SignNote(text, "PeterNeumann", PeterSigning());
  ASSERT_TRUE(note.ok());
  EXPECT_EQ(VerifyNote(*note, std::vector{Peter()})->text, text);
}

TEST(NoteTest, SecondSignatureIsAdded) {
  const std::string one = *SignNote(kText, "PeterNeumann", PeterSigning());
  testing::SeededRandom random(3);
  const crypto::SigningKey next = crypto::SigningKey::Generate(random);
  // Rotation: the same name, another key, another id.
  const auto two = AddSignature(one, "PeterNeumann", next);
  ASSERT_TRUE(two.ok());
  const std::vector<NoteVerifier> keys = {Peter(), {"PeterNeumann", next.verify_key()}};
  EXPECT_EQ(VerifyNote(*two, keys)->signed_by, (std::vector<size_t>{0, 1}));
  EXPECT_TRUE(absl::IsAlreadyExists(AddSignature(*two, "PeterNeumann", next).status()));
  EXPECT_FALSE(AddSignature(kText, "PeterNeumann", next).ok());
  EXPECT_FALSE(AddSignature(one, "bad name", next).ok());
}

TEST(NoteTest, UnsignableInputIsRefused) {
  const crypto::SigningKey key = PeterSigning();
  for (const char* text : {"", "no newline", "tab\t\n", "\xff\n"}) {
    EXPECT_FALSE(SignNote(text, "PeterNeumann", key).ok()) << text;
  }
  for (const char* name : {"", "a b", "a+b", "a\n"}) {
    EXPECT_FALSE(SignNote(kText, name, key).ok()) << name;
  }
}

TEST(VerifierKeyTest, MangledKeysAreRefused) {
  const std::string key(kPeterKey);
  for (size_t i = 0; i <= key.size(); ++i) {
    for (size_t j = i; j <= key.size(); ++j) {
      if (i != 0 || j != key.size()) {
        EXPECT_FALSE(ParseVerifierKey(key.substr(i, j - i)).ok());
      }
    }
  }
  for (size_t i = 0; i < key.size(); ++i) {
    std::string altered = key;
    ++altered[i];
    EXPECT_FALSE(ParseVerifierKey(altered).ok()) << altered;
  }
  // Published: a key of the wrong length and an unknown algorithm, each with the id that fits it.
  EXPECT_FALSE(
      ParseVerifierKey("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==").ok());
  EXPECT_FALSE(ParseVerifierKey("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").ok());
  EXPECT_FALSE(ParseVerifierKey("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").ok());
}

}  // namespace
}  // namespace relais::merkle
