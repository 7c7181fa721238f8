#include "common/identity/keyed_hash.h"

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace relais::identity {
namespace {

const Secret kKey(std::string(32, 'k'));

// Computed by another program.
TEST(KeyedHashTest, Golden) {
  const std::string hash = KeyedHash(kKey, "ctx", {"ab", "c"});
  EXPECT_EQ(absl::BytesToHexString(hash), "49ca2b48b3829a09fb9b960a0d2f038e3d41cfdc94f33f4c32c5979417684a50");
  EXPECT_EQ(KeyedId(kKey, "ctx", {"ab", "c"}).ToBytes(), hash.substr(0, 16));
}

TEST(KeyedHashTest, FieldsContextAndKeyAllCount) {
  const std::string hash = KeyedHash(kKey, "ctx", {"ab", "c"});
  EXPECT_NE(hash, KeyedHash(kKey, "ctx", {"a", "bc"}));
  EXPECT_NE(hash, KeyedHash(kKey, "ctx", {"ab", "c", ""}));
  EXPECT_NE(hash, KeyedHash(kKey, "ctx", {"c", "ab"}));
  EXPECT_NE(hash, KeyedHash(kKey, "ctxa", {"b", "c"}));
  EXPECT_NE(hash, KeyedHash(Secret(std::string(32, 'l')), "ctx", {"ab", "c"}));
}

TEST(KeyedHashTest, TheLengthHasFourBytes) {
  std::string framed;
  AppendFramed(framed, std::string(258, 'x'));
  EXPECT_EQ(framed.substr(0, 4), std::string("\0\0\1\2", 4));
  EXPECT_EQ(framed.size(), 262U);
}

}  // namespace
}  // namespace relais::identity
