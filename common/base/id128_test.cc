#include "common/base/id128.h"

#include <gtest/gtest.h>

#include "common/base/testing/seeded_random.h"

namespace relais {
namespace {

TEST(Id128, HexAndBytesRoundTrip) {
  testing::SeededRandom random(1);
  const Id128 id = random.Id();
  EXPECT_EQ(*Id128::FromHex(id.ToHex()), id);
  EXPECT_EQ(*Id128::FromBytes(id.bytes()), id);
  EXPECT_FALSE(id.IsZero());
}

TEST(Id128, RefusesOtherLengthsAndCharacters) {
  EXPECT_FALSE(Id128::FromBytes("short").ok());
  EXPECT_FALSE(Id128::FromHex("00").ok());
  EXPECT_FALSE(Id128::FromHex(std::string(31, '0') + "g").ok());
}

TEST(SystemRandom, GivesDifferentIds) {
  SystemRandom random;
  EXPECT_NE(random.Id(), random.Id());
}

}  // namespace
}  // namespace relais
