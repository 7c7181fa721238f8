#include "common/base/hex.h"

#include <string>

#include "gtest/gtest.h"

namespace relais {
namespace {

TEST(BytesFromHexTest, TakesEitherCase) {
  EXPECT_EQ(BytesFromHex(""), "");
  EXPECT_EQ(BytesFromHex("00ff7A"), std::string("\x00\xff\x7a", 3));
}

TEST(BytesFromHexTest, RefusesWhatIsNotHexadecimal) {
  for (const char* wrong : {"0", "0g", "g0", "-1", "+1", " 1", "1 ", "0x", "0x1f", "é"}) {
    EXPECT_FALSE(BytesFromHex(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace relais
