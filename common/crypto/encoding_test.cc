#include "common/crypto/encoding.h"

#include "gtest/gtest.h"

namespace relais::crypto {
namespace {

TEST(EncodingTest, Hex) {
  EXPECT_EQ(HexEncode(std::string("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(*HexDecode("00fF10"), std::string("\x00\xff\x10", 3));
  EXPECT_EQ(*HexDecode(""), "");
  for (const char* bad : {"0", "0g", " 00", "00\n", "0x00"}) {
    EXPECT_FALSE(HexDecode(bad).ok()) << bad;
  }
}

TEST(EncodingTest, Base64) {
  // RFC 4648 section 10.
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Encode("foob"), "Zm9vYg==");
  EXPECT_EQ(*Base64Decode("Zm9vYmE="), "fooba");
  EXPECT_EQ(*Base64Decode(""), "");
  // No padding, spaces, stray bits, the other alphabet, padding in excess.
  for (const char* bad : {"Zm9vYg", "Zm9v Yg==", "Zm9vYg==\n", "Zm9vYh==", "_-8=", "Zm9vYg===", "="}) {
    EXPECT_FALSE(Base64Decode(bad).ok()) << bad;
  }
}

TEST(EncodingTest, Decimal) {
  EXPECT_EQ(*ParseDecimal("0"), 0U);
  EXPECT_EQ(*ParseDecimal("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "00", "01", "+1", "-1", " 1", "1 ", "1x", "0x1", "18446744073709551616"}) {
    EXPECT_FALSE(ParseDecimal(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace relais::crypto
