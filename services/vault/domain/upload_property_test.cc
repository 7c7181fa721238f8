// Random uploads, killed at random: what was committed is never sent again, and the text that comes out is
// the one that went in, whole and in any range.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <span>

#include "common/base/testing/seeded_random.h"
#include "services/vault/domain/testing.h"
#include "services/vault/domain/upload_rules.h"
#include "services/vault/format/pieces.h"

namespace relais::vault {
namespace {

using testing::At;
using testing::IdOf;

// What is durable of an upload: as the rows of its partition would be.
struct Disk {
  std::optional<ContentHead> head;
  std::map<uint64_t, std::string> pieces;  // sealed
};

class RandomUpload {
 public:
  explicit RandomUpload(uint64_t seed) : random_(seed) {
    const uint64_t size =
        random_.Below(6) == 0 ? random_.Below(3) * kPieceSize : random_.Below(5 * kPieceSize);
    text_ = random_.Bytes(size);
    upload_.set_version(1);
    upload_.set_size(size);
    key_ = NewPaperKey(random_);
  }

  void Run() {
    while (!disk_.head || !disk_.head->Whole()) {
      ASSERT_LT(attempts_, 200);
      Attempt();
    }
    Check();
  }

 private:
  [[nodiscard]] const ContentHead* head() const { return disk_.head ? &*disk_.head : nullptr; }

  // One opening of the stream: asks how far it is, sends from there, and is killed somewhere or gets to the
  // end.
  void Attempt() {
    ++attempts_;
    const uint64_t from = CommittedOf(head());
    EXPECT_EQ(JudgeBytes(upload_, head(), from, 0), std::nullopt);
    auto sealer = RunSealer::Begin(key_, context_, from / kChunkSize, random_);
    ASSERT_TRUE(sealer.ok());
    if (upload_.size() == 0) {
      Commit(*sealer, {0, "", true});
      return;
    }
    PieceAssembler assembler(upload_.size(), from);
    // What the client sends for bytes that were not committed may be other bytes than last time, but for the
    // last attempt.
    std::string sent = text_;
    if (attempts_ < 3 && random_.Below(2) == 0) {
      std::reverse(sent.begin() + static_cast<int64_t>(from), sent.end());
    }
    const uint64_t killed_at = from + random_.Below(upload_.size() - from + kPieceSize);
    for (uint64_t at = from; at < upload_.size();) {
      const uint64_t length = std::min<uint64_t>(1 + random_.Below(kPieceSize), upload_.size() - at);
      std::vector<PieceAssembler::Piece> pieces;
      ASSERT_EQ(assembler.Add(std::string_view(sent).substr(at, length), pieces), std::nullopt);
      at += length;
      for (const PieceAssembler::Piece& piece : pieces) {
        ASSERT_GE(piece.offset, from) << "nothing committed is sent again";
        if (at > killed_at) {
          // Sealed, and killed before it was durable.
          std::string lost;
          ASSERT_TRUE(SealPiece(*sealer, piece.text, piece.last, &lost).ok());
          lost_.push_back({piece.offset / kPieceSize, lost});
          return;
        }
        Commit(*sealer, piece);
      }
    }
  }

  void Commit(RunSealer& sealer, const PieceAssembler::Piece& piece) {
    std::string sealed;
    ASSERT_TRUE(SealPiece(sealer, piece.text, piece.last, &sealed).ok());
    ContentHead before =
        disk_.head.value_or(ContentHead{{IdOf(1), IdOf(2), 1}, upload_.size(), 0, {}, {}, false});
    const auto after = WithPiece(std::move(before), piece.text.size(), sealer.run(), At(11, 20));
    ASSERT_TRUE(after.ok()) << after.status();
    const auto read = DecodeContentHead(*EncodeContentHead(*after));
    ASSERT_TRUE(read.ok()) << read.status();
    disk_.head = *read;
    ASSERT_TRUE(disk_.pieces.emplace(piece.offset / kPieceSize, sealed).second) << "a piece is written once";
    text_.replace(piece.offset, piece.text.size(), piece.text);  // what the vault has is what counts
  }

  void Check() {
    const auto opener = ChunkOpener::Create(key_, context_, disk_.head->header);
    ASSERT_TRUE(opener.ok()) << opener.status();
    EXPECT_EQ(disk_.pieces.size(), PieceCount(text_.size()));
    ASSERT_TRUE(ReadRange(*opener, {0, text_.size()}) == text_);
    for (int i = 0; i < 20; ++i) {
      const ByteRange range =
          ClipRange(text_.size(), random_.Below(text_.size() + 2), random_.Below(text_.size() + 2));
      ASSERT_TRUE(ReadRange(*opener, range) == text_.substr(range.begin, range.length()));
    }
    // What an attempt sealed and did not commit opens in no place of the text.
    for (const auto& [piece, sealed] : lost_) {
      const ByteRange range = TextOfPiece(text_.size(), piece);
      std::string out(range.length(), '?');
      EXPECT_TRUE(absl::IsDataLoss(OpenFromPiece(*opener, text_.size(), piece, sealed, range, out)));
    }
  }

  [[nodiscard]] std::string ReadRange(const ChunkOpener& opener, const ByteRange& range) const {
    std::string out(range.length(), '?');
    std::span<char> rest(out);
    for (const auto& [piece, sealed] : disk_.pieces) {
      const std::span<char> part = rest.first(PartOfPiece(text_.size(), piece, range).length());
      EXPECT_TRUE(OpenFromPiece(opener, text_.size(), piece, sealed, range, part).ok());
      rest = rest.subspan(part.size());
    }
    return out;
  }

  relais::testing::SeededRandom random_;
  const std::string context_ = DocumentContext(IdOf(1), IdOf(2), 1);
  std::string text_;
  v1::StoredUpload upload_;
  Secret key_;
  Disk disk_;
  std::vector<std::pair<uint64_t, std::string>> lost_;
  int attempts_ = 0;
};

TEST(UploadProperty, RandomUploadsKilledAtRandom) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    RandomUpload(seed).Run();
    if (::testing::Test::HasFatalFailure()) {
      return;
    }
  }
}

}  // namespace
}  // namespace relais::vault
