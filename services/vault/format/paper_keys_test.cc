#include "services/vault/format/paper_keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/destroyed_key.h"
#include "common/crypto/encoding.h"
#include "common/crypto/file_key_ring.h"
#include "common/crypto/memory_key_ring.h"
#include "common/storage/testing/temp_folder.h"
#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

using testing::IdOf;

struct Keys {
  relais::testing::SeededRandom random{1};
  crypto::MemoryKeyRing ring;
  RingEpochKeys epochs{ring, random};

  Keys() { EXPECT_EQ(*epochs.Begin(), 1u); }
};

const VersionName kName{IdOf(1), IdOf(2), 3};

TEST(PaperKeys, PersonKeysUnderEpochs) {
  Keys keys;
  const Secret person = NewPaperKey(keys.random);
  const auto wrapped = WrapPersonKey(keys.epochs, IdOf(1), 1, person);
  ASSERT_TRUE(wrapped.ok()) << wrapped.status();
  EXPECT_EQ(wrapped->size(), 1u + 4 + 24 + 32 + 32 + 16);
  EXPECT_EQ(wrapped->substr(0, 5), std::string("\x01\0\0\0\x01", 5));
  EXPECT_EQ(*EpochOf(*wrapped), 1u);
  const auto unwrapped = UnwrapPersonKey(keys.epochs, IdOf(1), 1, *wrapped);
  ASSERT_TRUE(unwrapped.ok());
  EXPECT_TRUE(ConstantTimeEqual(unwrapped->ExposeSecret(), person.ExposeSecret()));
  EXPECT_EQ(UnwrapPersonKey(keys.epochs, IdOf(2), 1, *wrapped).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(UnwrapPersonKey(keys.epochs, IdOf(1), 2, *wrapped).status().code(), absl::StatusCode::kDataLoss);
}

TEST(PaperKeys, RotatingAnEpochWrapsPersonsAnewAndEndsTheOldCopies) {
  Keys keys;
  const Secret person = NewPaperKey(keys.random);
  const std::string old = *WrapPersonKey(keys.epochs, IdOf(1), 1, person);
  ASSERT_EQ(*keys.epochs.Begin(), 2u);
  EXPECT_EQ(keys.epochs.Destroy(2).code(), absl::StatusCode::kFailedPrecondition);
  const std::string anew =
      *WrapPersonKey(keys.epochs, IdOf(1), 1, *UnwrapPersonKey(keys.epochs, IdOf(1), 1, old));
  EXPECT_EQ(*EpochOf(anew), 2u);
  EXPECT_EQ(keys.epochs.Held(), (std::vector<uint32_t>{1, 2}));
  ASSERT_TRUE(keys.epochs.Destroy(1).ok());
  EXPECT_EQ(keys.epochs.Held(), (std::vector<uint32_t>{2}));
  EXPECT_TRUE(crypto::IsDestroyed(UnwrapPersonKey(keys.epochs, IdOf(1), 1, old).status()));
  EXPECT_TRUE(UnwrapPersonKey(keys.epochs, IdOf(1), 1, anew).ok());
}

TEST(PaperKeys, VersionKeysUnderAPersonsKey) {
  Keys keys;
  const Secret person = NewPaperKey(keys.random);
  const Secret version = NewPaperKey(keys.random);
  const std::string wrapped = *WrapVersionKey(keys.random, 4, person, kName, version);
  EXPECT_EQ(*GenerationOf(wrapped), 4u);
  EXPECT_TRUE(
      ConstantTimeEqual(UnwrapVersionKey(person, kName, wrapped)->ExposeSecret(), version.ExposeSecret()));
  for (const VersionName& other : {VersionName{IdOf(9), IdOf(2), 3}, VersionName{IdOf(1), IdOf(9), 3},
                                   VersionName{IdOf(1), IdOf(2), 4}}) {
    EXPECT_EQ(UnwrapVersionKey(person, other, wrapped).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_FALSE(UnwrapVersionKey(NewPaperKey(keys.random), kName, wrapped).ok());
  EXPECT_FALSE(WrapVersionKey(keys.random, 1, Secret("short"), kName, version).ok());
  EXPECT_FALSE(WrapVersionKey(keys.random, 1, person, kName, Secret("short")).ok());
}

TEST(PaperKeys, EveryAlteredOrCutByteIsRefused) {
  Keys keys;
  const Secret person = NewPaperKey(keys.random);
  const std::string wrapped = *WrapVersionKey(keys.random, 1, person, kName, NewPaperKey(keys.random));
  for (size_t i = 0; i < wrapped.size(); ++i) {
    std::string altered = wrapped;
    altered[i] = static_cast<char>(altered[i] ^ 0x40);
    EXPECT_EQ(UnwrapVersionKey(person, kName, altered).status().code(), absl::StatusCode::kDataLoss) << i;
    EXPECT_FALSE(UnwrapVersionKey(person, kName, wrapped.substr(0, i)).ok()) << i;
  }
  EXPECT_FALSE(GenerationOf(wrapped + "x").ok());
  EXPECT_FALSE(EpochOf("").ok());
}

TEST(PaperKeys, TheSameTextIsNoticedInOneVaultOnly) {
  Keys keys;
  const Secret her = NewPaperKey(keys.random);
  const Secret other = NewPaperKey(keys.random);
  const std::string hash(32, 'h');
  EXPECT_EQ(DuplicateMark(her, hash), DuplicateMark(her, hash));
  EXPECT_EQ(DuplicateMark(her, hash).size(), 32u);
  EXPECT_NE(DuplicateMark(her, hash), DuplicateMark(other, hash));
  EXPECT_NE(DuplicateMark(her, hash), DuplicateMark(her, std::string(32, 'i')));
}

// docs/formats.md, "Keys of papers", golden keys: master, epoch, person and version are 32 times their first
// letter, every salt 24 times `s`. The independent reader of tests/e2e makes and opens the same bytes.
constexpr char kGoldenRingLine[] =
    "vault-epoch 1 "
    "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3NzKXtrvpmRS+t8stWvYqaTTfaycFphUJpdQHTUIJE0ZCyvtpqfxsOc2tER0dRltqZoAYVVs1vA"
    "MzFMh7jBAdwEHpxFiokyLLnoM5o55sOzzKk=";
constexpr char kGoldenPersonKey[] =
    "01000000017373737373737373737373737373737373737373737373737885f86c48047ed9bf5ab8b32c179b1965daa205f23083"
    "d3"
    "e0f91cef5fea93d16e8684acda61b860415350bd310cfe44faf65ed5f9218616fa9875936b62316b67f8dcf5716a1511b2596d10"
    "3b"
    "8ac76a";
constexpr char kGoldenVersionKey[] =
    "01000000017373737373737373737373737373737373737373737373735845aa2570581c37390c00beb27c965665790d31b11029"
    "fc"
    "0cc25bd20e03f40fdae207af0bdfbb1f3a514f42bc125f70cf5f77fa1e0ab958b05ef0af282be0756095a09e3f95f9636936e748"
    "68"
    "f016dd";
constexpr char kGoldenMark[] = "aa845beef687ec3cc9851bec9d4d1fee8eec76818c910cbc8912ca2483bad165";

std::string FileText(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TEST(PaperKeys, GoldenKeysOfEveryLevel) {
  struct SaltOfS final : Random {
    void Fill(uint8_t* out, size_t n) override { std::fill(out, out + n, 's'); }
  } salts;
  const Secret master(std::string(32, 'm'));
  const Secret person(std::string(32, 'p'));
  const Secret version(std::string(32, 'v'));
  const storage::testing::TempFolder folder;
  const auto ring = crypto::FileKeyRing::Create(folder / "ring", master, salts);
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_TRUE((*ring)->Put(RingEpochKeys::kRingName, 1, Secret(std::string(32, 'e'))).ok());
  EXPECT_NE(FileText(folder / "ring").find(std::string("\n") + kGoldenRingLine + "\n"), std::string::npos);
  RingEpochKeys epochs(**ring, salts);
  EXPECT_EQ(crypto::HexEncode(*WrapPersonKey(epochs, IdOf(1), 1, person)), kGoldenPersonKey);
  EXPECT_EQ(crypto::HexEncode(*WrapVersionKey(salts, 1, person, kName, version)), kGoldenVersionKey);
  EXPECT_EQ(crypto::HexEncode(DuplicateMark(person, std::string(32, 'h'))), kGoldenMark);
  // What was stored opens for ever.
  const auto opened = UnwrapPersonKey(epochs, IdOf(1), 1, *crypto::HexDecode(kGoldenPersonKey));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const auto text_key = UnwrapVersionKey(*opened, kName, *crypto::HexDecode(kGoldenVersionKey));
  ASSERT_TRUE(text_key.ok()) << text_key.status();
  EXPECT_EQ(text_key->ExposeSecret(), std::string(32, 'v'));
}

}  // namespace
}  // namespace relais::vault
