#include "common/audit/cursor.h"

#include <gtest/gtest.h>

#include "common/crypto/encoding.h"

namespace relais::audit::internal {
namespace {

Cursor Sample() {
  Cursor cursor;
  cursor.applied = 5;  // two bits: two subtrees
  cursor.effects = 9;
  cursor.origin = "o/1";
  cursor.range.resize(2);
  cursor.range[0].fill(0xaa);
  cursor.range[1].fill(0xbb);
  return cursor;
}

TEST(CursorTest, GoldenBytes) {
  std::string expected =
      "01"
      "0000000000000005"
      "0000000000000009"
      "0003"
      "6f2f31";
  for (int i = 0; i < 32; ++i) {
    expected += "aa";
  }
  for (int i = 0; i < 32; ++i) {
    expected += "bb";
  }
  EXPECT_EQ(crypto::HexEncode(EncodeCursor(Sample())), expected);
}

TEST(CursorTest, ReadsBackAndRefusesEveryPrefixAndExtension) {
  const std::string bytes = EncodeCursor(Sample());
  const auto cursor = DecodeCursor(bytes);
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_EQ(cursor->applied, 5U);
  EXPECT_EQ(cursor->effects, 9U);
  EXPECT_EQ(cursor->origin, "o/1");
  EXPECT_EQ(cursor->range, Sample().range);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeCursor(bytes.substr(0, size)).status())) << size;
  }
  EXPECT_FALSE(DecodeCursor(bytes + "x").ok());
  EXPECT_FALSE(DecodeCursor("\x02" + bytes.substr(1)).ok());
}

TEST(CursorTest, PartitionsOfFollowersDiffer) {
  EXPECT_EQ(CursorPartition("own").kind, storage::PartitionKind::kCursor);
  EXPECT_NE(CursorPartition("own").id, CursorPartition("consent").id);
}

}  // namespace
}  // namespace relais::audit::internal
