// Each of the eight bits, all over what the vault keeps: with none of them changed is it taken for genuine.
#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "common/base/testing/seeded_random.h"
#include "common/crypto/memory_key_ring.h"
#include "services/vault/format/paper_keys.h"
#include "services/vault/format/pieces.h"
#include "services/vault/format/row_seal.h"
#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

using testing::IdOf;
using testing::TextKey;
using testing::TextOf;

constexpr int kBits = 8;

// Shows `look` what `bytes` are with one bit changed: each bit of the first byte and of every `step`-th
// after.
void ForEachFlip(const std::string& bytes, size_t step,
                 const std::function<void(const std::string& altered)>& look) {
  std::string altered = bytes;
  for (size_t at = 0; at < bytes.size(); at += step) {
    for (int bit = 0; bit < kBits; ++bit) {
      SCOPED_TRACE("byte " + std::to_string(at) + " bit " + std::to_string(bit));
      altered[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      look(altered);
    }
    altered[at] = bytes[at];
  }
}

TEST(EveryBit, OfARow) {
  relais::testing::SeededRandom random(1);
  const RowSeal rows(TextKey(), random);
  const std::string sealed = rows.Seal("row/a", "text");
  ASSERT_EQ(*rows.Open("row/a", sealed), "text");
  ForEachFlip(sealed, 1, [&](const std::string& altered) {
    EXPECT_TRUE(absl::IsDataLoss(rows.Open("row/a", altered).status()));
  });
}

TEST(EveryBit, OfAName) {
  relais::testing::SeededRandom random(1);
  const RowSeal rows(TextKey(), random);
  const std::string name = rows.Name({"host", IdOf(1)}, "ville-paris");
  ASSERT_EQ(rows.TextOf({"host", IdOf(1)}, name), "ville-paris");
  ForEachFlip(name, 1, [&](const std::string& altered) {
    EXPECT_FALSE(rows.TextOf({"host", IdOf(1)}, altered).has_value());
  });
}

TEST(EveryBit, OfAKey) {
  relais::testing::SeededRandom random(1);
  crypto::MemoryKeyRing ring;
  RingEpochKeys epochs(ring, random);
  ASSERT_TRUE(epochs.Begin().ok());
  const Secret person = NewPaperKey(random);
  const std::string persons = *WrapPersonKey(epochs, IdOf(1), 1, person);
  ASSERT_TRUE(UnwrapPersonKey(epochs, IdOf(1), 1, persons).ok());
  ForEachFlip(persons, 1, [&](const std::string& altered) {
    EXPECT_FALSE(UnwrapPersonKey(epochs, IdOf(1), 1, altered).ok());
  });
  const VersionName name{IdOf(1), IdOf(2), 3};
  const std::string versions = *WrapVersionKey(random, 1, person, name, NewPaperKey(random));
  ASSERT_TRUE(UnwrapVersionKey(person, name, versions).ok());
  ForEachFlip(versions, 1, [&](const std::string& altered) {
    EXPECT_TRUE(absl::IsDataLoss(UnwrapVersionKey(person, name, altered).status()));
  });
}

TEST(EveryBit, OfAPiece) {
  constexpr size_t kStep = 4099;  // falls on another place of each chunk
  const std::string context = DocumentContext(IdOf(1), IdOf(2), 1);
  const std::string text = TextOf(kPieceSize);
  relais::testing::SeededRandom random(5);
  auto sealer = RunSealer::Begin(TextKey(), context, 0, random);
  ASSERT_TRUE(sealer.ok()) << sealer.status();
  Header header;
  header.runs.push_back(sealer->run());
  std::string piece;
  ASSERT_TRUE(SealPiece(*sealer, text, /*last=*/true, &piece).ok());
  const auto opener = ChunkOpener::Create(TextKey(), context, header);
  ASSERT_TRUE(opener.ok()) << opener.status();
  std::string out(text.size(), '?');
  const auto open = [&](std::string_view sealed) {
    return OpenFromPiece(*opener, text.size(), 0, sealed, {0, text.size()}, std::span<char>(out));
  };
  ASSERT_TRUE(open(piece).ok());
  ASSERT_TRUE(out == text);
  ForEachFlip(piece, kStep,
              [&](const std::string& altered) { EXPECT_TRUE(absl::IsDataLoss(open(altered))); });
}

}  // namespace
}  // namespace relais::vault
