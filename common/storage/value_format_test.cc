#include "common/storage/value_format.h"

#include <gtest/gtest.h>

namespace relais::storage {
namespace {

using namespace std::string_literals;

// Golden bytes of docs/formats.md, "Store".
TEST(ValueFormat, BytesOnDisk) {
  EXPECT_EQ(EncodeValue(0x0102030405060708, "hi"), "\x01\x01\x02\x03\x04\x05\x06\x07\x08hi"s);
  EXPECT_EQ(EncodeValue(1, ""), "\x01\0\0\0\0\0\0\0\x01"s);
  EXPECT_EQ(EncodeValueHeader(2) + "hi", EncodeValue(2, "hi"));
  EXPECT_EQ(EncodeBigEndian64(0xff00000000000001), "\xff\0\0\0\0\0\0\x01"s);
  const Partition partition{.kind = PartitionKind::kMessage,
                            .id = *Id128::FromHex("000102030405060708090a0b0c0d0eff")};
  EXPECT_EQ(partition.Encode(), "M\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff"s);
  EXPECT_EQ(EncodeDataKey(partition, "k"), partition.Encode() + "k");
}

TEST(ValueFormat, DecodesWhatItEncodes) {
  const std::string bytes = EncodeValue(UINT64_MAX - 1, "payload");
  const auto stored = DecodeValue(bytes);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->version, UINT64_MAX - 1);
  EXPECT_EQ(stored->payload, "payload");
  EXPECT_EQ(*DecodeBigEndian64(EncodeBigEndian64(77)), 77);
}

TEST(ValueFormat, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(DecodeValue("").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeValue("\x01\0\0\0\0\0\0\0"s).status().code(), absl::StatusCode::kDataLoss);
  std::string other = EncodeValue(1, "x");
  other[0] = 2;
  EXPECT_EQ(DecodeValue(other).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeBigEndian64("1234567").status().code(), absl::StatusCode::kDataLoss);
}

TEST(ValueFormat, ThePrefixEndIsTheFirstKeyAfter) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
  EXPECT_EQ(PrefixEnd("\x7f"), "\x80");
}

}  // namespace
}  // namespace relais::storage
