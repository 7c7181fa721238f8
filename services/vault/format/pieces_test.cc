#include "services/vault/format/pieces.h"

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

using testing::IdOf;
using testing::TextKey;
using testing::TextOf;

const std::string& Context() {
  static const auto* const context = new std::string(DocumentContext(IdOf(1), IdOf(2), 1));
  return *context;
}

struct Stored {
  std::string text;
  Header header;
  std::vector<std::string> pieces;

  [[nodiscard]] absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) const {
    auto opener = ChunkOpener::Create(TextKey(), Context(), header);
    if (!opener.ok()) {
      return opener.status();
    }
    const ByteRange range = ClipRange(text.size(), offset, length);
    std::string out(range.length(), '?');
    std::span<char> rest(out);
    for (uint64_t piece = 0; piece < pieces.size(); ++piece) {
      const std::span<char> part = rest.first(PartOfPiece(text.size(), piece, range).length());
      if (absl::Status status = OpenFromPiece(*opener, text.size(), piece, pieces[piece], range, part);
          !status.ok()) {
        return status;
      }
      rest = rest.subspan(part.size());
    }
    EXPECT_TRUE(rest.empty()) << "all of a range lies in the pieces";
    return out;
  }
};

// An upload that was interrupted before the pieces named in `resumed`.
Stored Store(size_t size, const std::set<uint64_t>& resumed = {}) {
  relais::testing::SeededRandom random(5);
  Stored stored{TextOf(size), {}, {}};
  auto sealer = RunSealer::Begin(TextKey(), Context(), 0, random);
  EXPECT_TRUE(sealer.ok());
  stored.header.runs.push_back(sealer->run());
  for (uint64_t piece = 0; piece < PieceCount(size); ++piece) {
    if (resumed.count(piece) > 0) {
      sealer = RunSealer::Begin(TextKey(), Context(), piece * kPieceChunks, random);
      EXPECT_TRUE(sealer.ok());
      stored.header.runs.push_back(sealer->run());
    }
    const ByteRange range = TextOfPiece(size, piece);
    std::string out;
    const absl::Status status =
        SealPiece(*sealer, std::string_view(stored.text).substr(range.begin, range.length()),
                  piece + 1 == PieceCount(size), &out);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(out.size(), SealedSizeOfPiece(size, piece));
    stored.pieces.push_back(std::move(out));
  }
  return stored;
}

TEST(Pieces, Places) {
  EXPECT_EQ(PieceCount(0), 1u);
  EXPECT_EQ(PieceCount(1), 1u);
  EXPECT_EQ(PieceCount(kPieceSize), 1u);
  EXPECT_EQ(PieceCount(kPieceSize + 1), 2u);
  EXPECT_EQ(SealedSizeOfPiece(0, 0), kChunkTagSize);
  EXPECT_EQ(SealedSizeOfPiece(kPieceSize + 1, 0), kSealedPieceSize);
  EXPECT_EQ(SealedSizeOfPiece(kPieceSize + 1, 1), 17u);
  EXPECT_EQ(SealedSizeOfPiece(200 << 10, 0), (200u << 10) + 4 * kChunkTagSize)
      << "a common paper is one value";
}

TEST(Pieces, EveryRangeOnAndBesideEveryBoundary) {
  for (const size_t size :
       {size_t{0}, size_t{1}, kChunkSize, kPieceSize, kPieceSize + 1, 2 * kPieceSize + kChunkSize + 5}) {
    const Stored stored = Store(size, {1});
    std::set<uint64_t> places = {0, size, size + 1};
    for (uint64_t at = 0; at <= size; at += kChunkSize) {
      places.insert(at);
      places.insert(at + 1);
      if (at > 0) {
        places.insert(at - 1);
      }
    }
    for (const uint64_t begin : places) {
      for (const uint64_t end : places) {
        if (end < begin) {
          continue;
        }
        // A length of 0 means to the end.
        const auto read = stored.Read(begin, end - begin);
        ASSERT_TRUE(read.ok()) << size << " " << begin << " " << end << " " << read.status();
        const std::string whole =
            begin >= size ? "" : stored.text.substr(begin, end == begin ? size : end - begin);
        ASSERT_TRUE(*read == whole) << size << " " << begin << " " << end;
      }
    }
  }
}

TEST(Pieces, OnlyTheChunksOfTheRangeAreOpened) {
  Stored stored = Store(kPieceSize);
  stored.pieces[0][2 * kSealedChunkSize + 9] ^= 1;  // chunk 2
  EXPECT_TRUE(stored.Read(0, 2 * kChunkSize).ok());
  EXPECT_TRUE(stored.Read(3 * kChunkSize, 10).ok());
  EXPECT_FALSE(stored.Read(2 * kChunkSize, 1).ok());
  EXPECT_FALSE(stored.Read(0, 2 * kChunkSize + 1).ok());
  EXPECT_FALSE(stored.Read(0, 0).ok());
}

TEST(Pieces, AnEmptyTextMustBeGenuine) {
  Stored stored = Store(0);
  EXPECT_TRUE(stored.Read(0, 0).ok());
  stored.pieces[0][3] ^= 1;
  EXPECT_FALSE(stored.Read(0, 0).ok());
}

TEST(Pieces, APieceElsewhereOrOfAnotherLengthDoesNotOpen) {
  Stored stored = Store(3 * kPieceSize);
  std::swap(stored.pieces[0], stored.pieces[1]);
  EXPECT_FALSE(stored.Read(0, 1).ok());
  EXPECT_TRUE(stored.Read(2 * kPieceSize, 0).ok());
  stored.pieces[2].pop_back();
  EXPECT_FALSE(stored.Read(2 * kPieceSize, 1).ok()) << "also where its first chunk is whole";
  const auto opener = ChunkOpener::Create(TextKey(), Context(), stored.header);
  EXPECT_TRUE(absl::IsDataLoss(OpenFromPiece(*opener, 3 * kPieceSize, 3, "", {0, 1}, {})));
}

TEST(Pieces, ThePartOfARangeInAPiece) {
  constexpr uint64_t kSize = 2 * kPieceSize + 5;
  EXPECT_EQ(PartOfPiece(kSize, 0, {0, kSize}), (ByteRange{0, kPieceSize}));
  EXPECT_EQ(PartOfPiece(kSize, 1, {7, kPieceSize + 1}), (ByteRange{kPieceSize, kPieceSize + 1}));
  EXPECT_EQ(PartOfPiece(kSize, 2, {7, kSize}), (ByteRange{2 * kPieceSize, kSize}));
  EXPECT_EQ(PartOfPiece(kSize, 2, {7, kPieceSize}).length(), 0u) << "before it";
  EXPECT_EQ(PartOfPiece(kSize, 0, {kPieceSize, kSize}).length(), 0u) << "behind it";
  EXPECT_EQ(PartOfPiece(kSize, 3, {0, kSize}).length(), 0u) << "no such piece";
  EXPECT_EQ(PartOfPiece(0, 0, {0, 0}).length(), 0u);
}

TEST(Pieces, WhatIsOpenedHasItsPlaceExactly) {
  const Stored stored = Store(kPieceSize);
  const auto opener = ChunkOpener::Create(TextKey(), Context(), stored.header);
  const ByteRange range{kChunkSize - 1, 2 * kChunkSize + 1};  // the edges of two chunks, and one whole
  std::string around(range.length() + 2, '.');
  const std::span<char> within = std::span<char>(around).subspan(1, range.length());
  ASSERT_TRUE(OpenFromPiece(*opener, kPieceSize, 0, stored.pieces[0], range, within).ok());
  EXPECT_TRUE(around == "." + stored.text.substr(range.begin, range.length()) + ".");
  for (const std::span<char> other : {within.first(0), within.first(range.length() - 1), std::span(around)}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(OpenFromPiece(*opener, kPieceSize, 0, stored.pieces[0], range, other)));
  }
  std::string altered = stored.pieces[0];
  altered[kSealedChunkSize + 9] ^= 1;  // the one that is whole
  EXPECT_TRUE(absl::IsDataLoss(OpenFromPiece(*opener, kPieceSize, 0, altered, range, within)));
  EXPECT_EQ(around.find(stored.text.substr(kChunkSize + 100, 100)), std::string::npos)
      << "what is not genuine is not left there";
}

TEST(Pieces, OnlyPiecesAreSealed) {
  relais::testing::SeededRandom random(5);
  auto sealer = RunSealer::Begin(TextKey(), Context(), 0, random);
  std::string out;
  EXPECT_FALSE(SealPiece(*sealer, "too short", /*last=*/false, &out).ok());
  EXPECT_FALSE(SealPiece(*sealer, std::string(kPieceSize + 1, 'x'), /*last=*/true, &out).ok());
  auto within = RunSealer::Begin(TextKey(), Context(), 1, random);
  EXPECT_FALSE(SealPiece(*within, std::string(kPieceSize, 'x'), /*last=*/false, &out).ok());
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace relais::vault
