// What must be detected (issue "coffre-fort"): truncation, reordering, splicing, swapping across documents,
// versions and persons, roll-back, and any altered bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <type_traits>

#include "common/crypto/aes_gcm.h"
#include "common/crypto/encoding.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/sha256.h"
#include "services/vault/format/testing.h"

namespace relais::vault {
namespace {

using testing::IdOf;
using testing::OpenFile;
using testing::Sealed;
using testing::SealWhole;
using testing::TextKey;
using testing::TextOf;

const std::string& Context() {
  static const auto* const context = new std::string(DocumentContext(IdOf(1), IdOf(2), 3));
  return *context;
}

// All say the same, so that nobody learns which it was.
void ExpectDoesNotOpen(const absl::StatusOr<std::string>& opened, const std::string& what) {
  EXPECT_EQ(opened.status(), absl::DataLossError("sealed text does not open")) << what;
}

TEST(SealOpen, EverySizeAroundTheEdgesComesBack) {
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{15}, size_t{16}, kChunkSize - 1, kChunkSize, kChunkSize + 1,
        2 * kChunkSize - 1, 2 * kChunkSize, 2 * kChunkSize + 1, 4 * kChunkSize, 5 * kChunkSize + 77}) {
    const std::string text = TextOf(size);
    const Sealed sealed = SealWhole(text, Context());
    EXPECT_EQ(sealed.chunks.size(), ChunkCount(size));
    const std::string file = sealed.File();
    EXPECT_EQ(file.size(), kHeaderFixedSize + kRunSize + SealedSize(size));
    for (const size_t step : {size_t{1021}, kSealedChunkSize, file.size()}) {
      const auto opened = OpenFile(file, Context(), step);
      ASSERT_TRUE(opened.ok()) << size << " " << step << " " << opened.status();
      EXPECT_EQ(*opened, text) << size << " " << step;
    }
  }
}

TEST(SealOpen, TheStreamSealerMakesTheSameKindOfFile) {
  for (const size_t size : {size_t{0}, size_t{1}, kChunkSize, kChunkSize + 1, 3 * kChunkSize}) {
    for (const size_t step : {size_t{1000}, kChunkSize, kChunkSize + 1, 4 * kChunkSize}) {
      const std::string text = TextOf(size);
      relais::testing::SeededRandom random(7);
      auto sealer = StreamSealer::Begin(TextKey(), Context(), random);
      ASSERT_TRUE(sealer.ok());
      std::string file = sealer->header();
      for (size_t at = 0; at < size; at += step) {
        ASSERT_TRUE(sealer->Write(std::string_view(text).substr(at, step), &file).ok());
      }
      ASSERT_TRUE(sealer->Finish(&file).ok());
      EXPECT_EQ(file, SealWhole(text, Context()).File()) << size << " " << step;
      EXPECT_FALSE(sealer->Finish(&file).ok()) << "a text ends once";
    }
  }
}

// The whole of docs/formats.md, "Sealed text", done by hand: a reader can be written from it.
TEST(SealOpen, GoldenFile) {
  const std::string salt(32, 's');
  std::string info("relais sealed text v1\x01\x10", 23);
  info += std::string(8, '\0');
  info += std::string("\0\0\0\x25", 4) + Context();
  ASSERT_EQ(Context().size(), 0x25u);
  const Secret both = crypto::HkdfSha256(TextKey(), salt, info, 64);
  const Secret key(std::string(both.ExposeSecret().substr(0, 32)));
  std::string file = std::string("relais\0\x01\x01\x10\0\x01", 12) + std::string(8, '\0') + salt +
                     std::string(both.ExposeSecret().substr(32));
  const std::string first(kChunkSize, 'a');
  file += *crypto::AesGcmSeal(key, std::string(12, '\0'), "", first);
  file += *crypto::AesGcmSeal(key, std::string("\0\0\0\0\0\0\0\1\0\0\0\1", 12), "", "end");
  const auto opened = OpenFile(file, Context());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened, first + "end");
}

// The digests of docs/formats.md, "Golden file", which the independent reader of tests/e2e makes by itself.
TEST(SealOpen, GoldenDigests) {
  std::string text(196613, '\0');
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(7 * i % 251);
  }
  struct SaltOfS final : Random {
    void Fill(uint8_t* out, size_t n) override { std::fill(out, out + n, 's'); }
  } salts;
  const auto digest = [&](const std::vector<uint64_t>& runs) {
    return crypto::HexEncode(
        crypto::Sha256(testing::SealWith(salts, text, Context(), runs, TextKey()).File()));
  };
  EXPECT_EQ(digest({0, 2}), "54253689cb9473bc3c41fe7110552fe849479252d755ed995985532a8fe86a38");
  EXPECT_EQ(digest({0}), "ec4add415c34f80b235480bc25ef7c0ca2430c58dbccf9fd34cf16326495d36b");
}

TEST(SealOpen, EveryBitOfASmallFileCounts) {
  const std::string file = SealWhole("carte d'identité", Context()).File();
  for (size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string altered = file;
      altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
      EXPECT_FALSE(OpenFile(altered, Context()).ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(SealOpen, EveryTruncationOfASmallFile) {
  for (const std::string& text : {std::string(), std::string("bail")}) {
    const std::string file = SealWhole(text, Context()).File();
    for (size_t n = 0; n < file.size(); ++n) {
      EXPECT_FALSE(OpenFile(file.substr(0, n), Context()).ok()) << n;
      EXPECT_FALSE(OpenFile(file.substr(0, n), Context(), 1).ok()) << n;
    }
    EXPECT_FALSE(OpenFile(file + '\0', Context()).ok());
    EXPECT_FALSE(OpenFile(file + file, Context()).ok());
  }
}

TEST(SealOpen, TruncationsOfALargeFile) {
  const Sealed sealed = SealWhole(TextOf(3 * kChunkSize), Context());
  const std::string file = sealed.File();
  const size_t header = kHeaderFixedSize + kRunSize;
  for (size_t chunk = 0; chunk < 3; ++chunk) {
    for (const size_t more :
         {size_t{0}, size_t{1}, size_t{15}, size_t{16}, size_t{17}, kSealedChunkSize - 1}) {
      ExpectDoesNotOpen(OpenFile(file.substr(0, header + chunk * kSealedChunkSize + more), Context()),
                        "cut at " + std::to_string(chunk) + "+" + std::to_string(more));
    }
  }
  // A chunk in the middle that lacks its end.
  Sealed lacking = sealed;
  lacking.chunks[1].pop_back();
  ExpectDoesNotOpen(OpenFile(lacking.File(), Context()), "a byte lacks inside");
}

TEST(SealOpen, Reordering) {
  const Sealed sealed = SealWhole(TextOf(4 * kChunkSize), Context());
  for (size_t a = 0; a < 4; ++a) {
    for (size_t b = a + 1; b < 4; ++b) {
      Sealed swapped = sealed;
      std::swap(swapped.chunks[a], swapped.chunks[b]);
      ExpectDoesNotOpen(OpenFile(swapped.File(), Context()), std::to_string(a) + "/" + std::to_string(b));
    }
  }
  Sealed repeated = sealed;
  repeated.chunks.insert(repeated.chunks.begin() + 1, repeated.chunks[0]);
  ExpectDoesNotOpen(OpenFile(repeated.File(), Context()), "a chunk twice");
  Sealed dropped = sealed;
  dropped.chunks.erase(dropped.chunks.begin() + 1);
  ExpectDoesNotOpen(OpenFile(dropped.File(), Context()), "a chunk left out");
  // The last one alone, or another as last.
  Sealed last = sealed;
  last.chunks = {sealed.chunks[3]};
  ExpectDoesNotOpen(OpenFile(last.File(), Context()), "the last alone");
  last.chunks = {sealed.chunks[0]};
  ExpectDoesNotOpen(OpenFile(last.File(), Context()), "the first as last");
}

TEST(SealOpen, SplicingTwoFilesOfTheSameKey) {
  // The same key, text and context, sealed twice: only the salts differ.
  const std::string text = TextOf(3 * kChunkSize);
  const Sealed one = SealWhole(text, Context(), 7);
  const Sealed two = SealWhole(text, Context(), 8);
  for (size_t i = 0; i < 3; ++i) {
    Sealed spliced = one;
    spliced.chunks[i] = two.chunks[i];
    ExpectDoesNotOpen(OpenFile(spliced.File(), Context()), std::to_string(i));
  }
  Sealed header = one;
  header.header = two.header;
  ExpectDoesNotOpen(OpenFile(header.File(), Context()), "the other's header");
  header.header = one.header;
  header.header.runs[0].salt = two.header.runs[0].salt;
  ExpectDoesNotOpen(OpenFile(header.File(), Context()), "the other's salt");
  header.header = one.header;
  header.header.runs[0].commitment = two.header.runs[0].commitment;
  ExpectDoesNotOpen(OpenFile(header.File(), Context()), "the other's commitment");
}

TEST(SealOpen, NoOtherPersonDocumentVersionKindOrKey) {
  const std::string file = SealWhole("papier", Context()).File();
  ASSERT_TRUE(OpenFile(file, Context()).ok());
  ExpectDoesNotOpen(OpenFile(file, DocumentContext(IdOf(9), IdOf(2), 3)), "another person");
  ExpectDoesNotOpen(OpenFile(file, DocumentContext(IdOf(1), IdOf(9), 3)), "another document");
  ExpectDoesNotOpen(OpenFile(file, DocumentContext(IdOf(1), IdOf(2), 2)), "an earlier version");
  ExpectDoesNotOpen(OpenFile(file, DocumentContext(IdOf(1), IdOf(2), 4)),
                    "a roll-back: a later one was asked for");
  ExpectDoesNotOpen(OpenFile(file, DocumentContext(IdOf(2), IdOf(1), 3)),
                    "person and document the wrong way round");
  ExpectDoesNotOpen(OpenFile(file, ExportContext(IdOf(1))), "an export");
  ExpectDoesNotOpen(OpenFile(file, ""), "nothing");
  ExpectDoesNotOpen(OpenFile(file, Context(), 1024, TextKey('l')), "another key");
  EXPECT_EQ(OpenFile(file, Context(), 1024, Secret("short")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// ---- an upload that was resumed: several runs

TEST(SealOpen, AResumedTextComesBack) {
  const std::string text = TextOf(5 * kChunkSize + 3);
  const Sealed sealed = SealWhole(text, Context(), 7, {0, 1, 4});
  const auto opened = OpenFile(sealed.File(), Context(), 1000);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened, text);
}

TEST(SealOpen, AChunkOfAnAbandonedAttemptFitsNowhere) {
  // Chunk 1 was sealed, not committed; the client came back with other bytes for it.
  const Sealed abandoned = SealWhole(TextOf(3 * kChunkSize, 1), Context(), 7);
  const Sealed completed = SealWhole(TextOf(3 * kChunkSize, 2), Context(), 9, {0, 1});
  ASSERT_TRUE(OpenFile(completed.File(), Context()).ok());
  for (size_t i = 0; i < 3; ++i) {
    Sealed mixed = completed;
    mixed.chunks[i] = abandoned.chunks[i];
    ExpectDoesNotOpen(OpenFile(mixed.File(), Context()), std::to_string(i));
  }
}

TEST(SealOpen, RunsCannotBeMovedDroppedOrAdded) {
  const std::string text = TextOf(4 * kChunkSize);
  const Sealed sealed = SealWhole(text, Context(), 7, {0, 2});
  Sealed moved = sealed;
  moved.header.runs[1].first_chunk = 1;
  ExpectDoesNotOpen(OpenFile(moved.File(), Context()), "earlier");
  moved.header.runs[1].first_chunk = 3;
  ExpectDoesNotOpen(OpenFile(moved.File(), Context()), "later");
  Sealed dropped = sealed;
  dropped.header.runs.pop_back();
  ExpectDoesNotOpen(OpenFile(dropped.File(), Context()), "dropped");
  // A genuine run of this text that begins where the text has ended.
  Sealed added = sealed;
  relais::testing::SeededRandom random(3);
  added.header.runs.push_back(RunSealer::Begin(TextKey(), Context(), 4, random)->run());
  ExpectDoesNotOpen(OpenFile(added.File(), Context()), "added behind the end");
}

TEST(SealOpen, NothingComesOutBeforeItIsKnownToBeGenuine) {
  Sealed sealed = SealWhole(TextOf(3 * kChunkSize), Context());
  sealed.chunks[1][5] = static_cast<char>(sealed.chunks[1][5] ^ 1);
  StreamOpener opener(TextKey(), Context());
  std::string text;
  ASSERT_FALSE(opener.Write(sealed.File(), &text).ok());
  EXPECT_EQ(text, TextOf(3 * kChunkSize).substr(0, kChunkSize))
      << "the first chunk, and nothing of the second";
  EXPECT_FALSE(opener.Write("more", &text).ok());
  EXPECT_FALSE(opener.Finish(&text).ok());
}

// ---- chunk by chunk

TEST(RunSealer, EachPlaceOnceAndOnlyChunks) {
  relais::testing::SeededRandom random(1);
  auto run = RunSealer::Begin(TextKey(), Context(), 0, random);
  ASSERT_TRUE(run.ok());
  std::string out = "before";
  EXPECT_FALSE(run->Seal("not whole", /*last=*/false, &out).ok());
  EXPECT_FALSE(run->Seal(std::string(kChunkSize + 1, 'x'), /*last=*/true, &out).ok());
  EXPECT_EQ(out, "before");
  EXPECT_EQ(run->next_chunk(), 0u);
  ASSERT_TRUE(run->Seal(std::string(kChunkSize, 'x'), /*last=*/false, &out).ok());
  EXPECT_EQ(run->next_chunk(), 1u);
  EXPECT_FALSE(run->Seal("", /*last=*/true, &out).ok()) << "only an empty text ends with an empty chunk";
  ASSERT_TRUE(run->Seal("x", /*last=*/true, &out).ok());
  EXPECT_EQ(run->Seal("x", /*last=*/true, &out).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(RunSealer::Begin(Secret("short"), Context(), 0, random).ok());
  EXPECT_FALSE(RunSealer::Begin(TextKey(), Context(), ChunkCount(kMaxTextSize), random).ok());
}

// Two that stand at the same place would seal it twice under one key.
TEST(RunSealer, ThereIsOneOfARun) {
  static_assert(!std::is_copy_constructible_v<RunSealer> && !std::is_copy_assignable_v<RunSealer>);
  relais::testing::SeededRandom random(1);
  auto first = RunSealer::Begin(TextKey(), Context(), 0, random);
  ASSERT_TRUE(first.ok());
  const std::string chunk(kChunkSize, 'x');
  std::string out;
  ASSERT_TRUE(first->Seal(chunk, /*last=*/false, &out).ok());
  const auto run = first->run();
  RunSealer second = *std::move(first);
  EXPECT_EQ(second.run(), run);
  EXPECT_EQ(second.next_chunk(), 1u);
  const absl::Status left = first->Seal(chunk, /*last=*/false, &out);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(left.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(second.Seal(chunk, /*last=*/false, &out).ok());
  auto third = RunSealer::Begin(TextKey(), Context(), 5, random);
  ASSERT_TRUE(third.ok());
  *third = std::move(second);
  EXPECT_EQ(third->next_chunk(), 2u);
  EXPECT_FALSE(second.Seal(chunk, /*last=*/false, &out).ok());  // NOLINT(bugprone-use-after-move)
}

TEST(ChunkOpener, AnyChunkByItsPlace) {
  const std::string text = TextOf(3 * kChunkSize + 9);
  const Sealed sealed = SealWhole(text, Context(), 7, {0, 2});
  const auto opener = ChunkOpener::Create(TextKey(), Context(), sealed.header);
  ASSERT_TRUE(opener.ok()) << opener.status();
  for (const uint64_t chunk : {3, 0, 2, 1}) {
    std::string out;
    ASSERT_TRUE(opener->Open(chunk, chunk == 3, sealed.chunks[chunk], &out).ok()) << chunk;
    EXPECT_EQ(out, text.substr(chunk * kChunkSize, kChunkSize));
    out = "kept";
    EXPECT_FALSE(opener->Open(chunk, chunk != 3, sealed.chunks[chunk], &out).ok()) << "last or not is bound";
    EXPECT_FALSE(opener->Open(chunk + 1, chunk == 3, sealed.chunks[chunk], &out).ok());
    EXPECT_FALSE(opener->Open(ChunkCount(kMaxTextSize), true, sealed.chunks[chunk], &out).ok());
    EXPECT_EQ(out, "kept");
    std::string place(sealed.chunks[chunk].size() - kChunkTagSize, '?');
    EXPECT_FALSE(opener->OpenInto(chunk, chunk != 3, sealed.chunks[chunk], place).ok());
    ASSERT_TRUE(opener->OpenInto(chunk, chunk == 3, sealed.chunks[chunk], place).ok());
    EXPECT_EQ(place, text.substr(chunk * kChunkSize, kChunkSize));
    EXPECT_FALSE(opener->OpenInto(chunk, chunk == 3, sealed.chunks[chunk], std::span(place).subspan(1)).ok())
        << "no place for all of it";
  }
  std::string out;
  EXPECT_FALSE(opener->Open(0, true, "", &out).ok());
  EXPECT_FALSE(opener->OpenInto(0, true, "", {}).ok());
  EXPECT_FALSE(ChunkOpener::Create(TextKey(), Context(), Header{}).ok());
}

}  // namespace
}  // namespace relais::vault
