#include "services/vault/format/paper_keys.h"

#include <gtest/gtest.h>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/destroyed_key.h"
#include "common/crypto/memory_key_ring.h"
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

}  // namespace
}  // namespace relais::vault
