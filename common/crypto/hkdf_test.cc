#include "common/crypto/hkdf.h"

#include <string>

#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

std::string Derive(const std::string& ikm, const std::string& salt, const std::string& info, size_t n) {
  return HexEncode(HkdfSha256(Secret(*HexDecode(ikm)), *HexDecode(salt), *HexDecode(info), n).ExposeSecret());
}

// The bytes from..to, as RFC 5869 writes its longer inputs.
std::string Range(int from, int to) {
  std::string bytes;
  for (int i = from; i <= to; ++i) {
    bytes.push_back(static_cast<char>(i));
  }
  return HexEncode(bytes);
}

TEST(HkdfTest, Rfc5869AppendixA) {
  EXPECT_EQ(Derive("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", Range(0, 0x0c), Range(0xf0, 0xf9), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(Derive(Range(0, 0x4f), Range(0x60, 0xaf), Range(0xb0, 0xff), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(Derive("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(HkdfTest, OneExtractionGivesAllItsKeys) {
  const Secret ikm("0123456789abcdef");
  const HkdfPrk prk(ikm, "salt");
  for (const std::string_view info : {"", "first", "second"}) {
    for (const size_t n : {size_t{0}, size_t{16}, size_t{32}, size_t{82}}) {
      EXPECT_EQ(prk.Expand(info, n).ExposeSecret(), HkdfSha256(ikm, "salt", info, n).ExposeSecret());
    }
  }
}

TEST(HkdfTest, LengthsAndSeparation) {
  const Secret ikm("0123456789abcdef");
  EXPECT_TRUE(HkdfSha256(ikm, "s", "i", 0).empty());
  const Secret longest = HkdfSha256(ikm, "s", "i", 255 * 32);
  EXPECT_EQ(longest.size(), 255U * 32);
  EXPECT_EQ(HkdfSha256(ikm, "s", "i", 32).ExposeSecret(), longest.ExposeSecret().substr(0, 32));
  EXPECT_NE(HkdfSha256(ikm, "s", "j", 32).ExposeSecret(), longest.ExposeSecret().substr(0, 32));
  EXPECT_NE(HkdfSha256(ikm, "t", "i", 32).ExposeSecret(), longest.ExposeSecret().substr(0, 32));
  EXPECT_DEATH((void)HkdfSha256(ikm, "s", "i", 255 * 32 + 1), "");
}

}  // namespace
}  // namespace relais::crypto
