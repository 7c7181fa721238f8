#include "services/vault/format/sealed_text.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/crypto/encoding.h"

namespace relais::vault {
namespace {

Id128 IdOf(uint8_t b) {
  std::array<uint8_t, Id128::kSize> raw{};
  raw.fill(b);
  return Id128(raw);
}

Run RunAt(uint64_t first) {
  return {first, std::string(kRunSaltSize, 's'), std::string(kRunCommitmentSize, 'c')};
}

TEST(SealedText, ContextsAsDocumented) {
  EXPECT_EQ(crypto::HexEncode(DocumentContext(IdOf(0x11), IdOf(0x22), 0x01020304)),
            "4411111111111111111111111111111111"
            "22222222222222222222222222222222"
            "01020304");
  EXPECT_EQ(crypto::HexEncode(ExportContext(IdOf(0x33))), "4533333333333333333333333333333333");
}

TEST(SealedText, HeaderGoldenBytes) {
  const auto bytes = EncodeHeader({{RunAt(0), RunAt(0x0104)}});
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(crypto::HexEncode(bytes->substr(0, kHeaderFixedSize)),
            "72656c6169730001"
            "01"
            "10"
            "0002");
  EXPECT_EQ(bytes->substr(kHeaderFixedSize),
            std::string(8, '\0') + std::string(32, 's') + std::string(32, 'c') +
                std::string("\0\0\0\0\0\0\x01\x04", 8) + std::string(32, 's') + std::string(32, 'c'));
  const auto header = DecodeHeader(*bytes);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(*header, (Header{{RunAt(0), RunAt(0x0104)}}));
  EXPECT_EQ(*HeaderSize(bytes->substr(0, kHeaderFixedSize)), bytes->size());
}

TEST(SealedText, HeadersOutOfOrderOrBoundsAreRefused) {
  EXPECT_FALSE(EncodeHeader({}).ok());
  EXPECT_FALSE(EncodeHeader({{RunAt(1)}}).ok());
  EXPECT_FALSE(EncodeHeader({{RunAt(0), RunAt(0)}}).ok());
  EXPECT_FALSE(EncodeHeader({{RunAt(0), RunAt(2), RunAt(1)}}).ok());
  EXPECT_FALSE(EncodeHeader({{RunAt(0), RunAt(ChunkCount(kMaxTextSize))}}).ok());
  EXPECT_TRUE(EncodeHeader({{RunAt(0), RunAt(ChunkCount(kMaxTextSize) - 1)}}).ok());
  EXPECT_FALSE(EncodeHeader({{{0, "short", std::string(32, 'c')}}}).ok());
  EXPECT_FALSE(EncodeHeader({{{0, std::string(32, 's'), ""}}}).ok());
  Header many;
  for (uint64_t i = 0; i < kMaxRuns; ++i) {
    many.runs.push_back(RunAt(i));
  }
  const auto most = EncodeHeader(many);
  ASSERT_TRUE(most.ok());
  EXPECT_TRUE(DecodeHeader(*most).ok());
  many.runs.push_back(RunAt(kMaxRuns));
  EXPECT_FALSE(EncodeHeader(many).ok());
}

TEST(SealedText, EveryCutOrLengthenedHeaderIsRefused) {
  const std::string bytes = *EncodeHeader({{RunAt(0), RunAt(7)}});
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeHeader(bytes.substr(0, n)).ok()) << n;
  }
  EXPECT_FALSE(DecodeHeader(bytes + '\0').ok());
}

TEST(SealedText, AnotherVersionSuiteOrChunkSizeIsSaidSo) {
  for (const size_t at : {size_t{7}, size_t{8}, size_t{9}}) {
    std::string bytes = *EncodeHeader({{RunAt(0)}});
    bytes[at] = static_cast<char>(bytes[at] + 1);
    EXPECT_EQ(DecodeHeader(bytes).status().code(), absl::StatusCode::kUnimplemented) << at;
  }
  std::string bytes = *EncodeHeader({{RunAt(0)}});
  bytes[0] = 'R';
  EXPECT_EQ(DecodeHeader(bytes).status().code(), absl::StatusCode::kDataLoss);
}

TEST(SealedText, SizesOfChunks) {
  struct Case {
    uint64_t size, chunks, sealed;
  };
  for (const Case& c : {Case{0, 1, 16}, Case{1, 1, 17}, Case{65535, 1, 65551}, Case{65536, 1, 65552},
                        Case{65537, 2, 65569}, Case{131072, 2, 131104}, Case{131073, 3, 131121},
                        Case{uint64_t{1} << 30, 16384, (uint64_t{1} << 30) + 16384 * 16}}) {
    EXPECT_EQ(ChunkCount(c.size), c.chunks) << c.size;
    EXPECT_EQ(SealedSize(c.size), c.sealed) << c.size;
    EXPECT_EQ(*TextSize(c.sealed), c.size);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < c.chunks; ++i) {
      sum += SealedChunkSize(c.size, i);
    }
    EXPECT_EQ(sum, c.sealed);
  }
}

TEST(SealedText, LengthsThatNoTextHas) {
  for (const uint64_t sealed :
       {uint64_t{0}, uint64_t{1}, uint64_t{15}, uint64_t{65553}, uint64_t{65568}, uint64_t{131104 + 15},
        uint64_t{131104 + 16}, SealedSize(kMaxTextSize) + 17, std::numeric_limits<uint64_t>::max()}) {
    EXPECT_FALSE(TextSize(sealed).ok()) << sealed;
  }
  EXPECT_EQ(*TextSize(SealedSize(kMaxTextSize)), kMaxTextSize);
  EXPECT_EQ(*TextSize(65569), 65537u);
}

TEST(SealedText, RangesAreClippedAndNeverOverflow) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(ClipRange(100, 0, 0), (ByteRange{0, 100}));
  EXPECT_EQ(ClipRange(100, 40, 0), (ByteRange{40, 100}));
  EXPECT_EQ(ClipRange(100, 40, 10), (ByteRange{40, 50}));
  EXPECT_EQ(ClipRange(100, 99, 10), (ByteRange{99, 100}));
  EXPECT_TRUE(ClipRange(100, 100, 10).empty());
  EXPECT_TRUE(ClipRange(100, kMost, kMost).empty());
  EXPECT_EQ(ClipRange(100, 1, kMost), (ByteRange{1, 100}));
  EXPECT_TRUE(ClipRange(0, 0, 0).empty());
}

}  // namespace
}  // namespace relais::vault
