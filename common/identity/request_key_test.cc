#include "common/identity/request_key.h"

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace relais::identity {
namespace {

const Secret kKey(std::string(32, 'k'));

// Computed by another program.
TEST(RequestKeyTest, Golden) {
  EXPECT_EQ(BucketId(kKey, "reference", "edf", "A-1").ToHex(), "a56241798e5a70ba3514001d4d1515ec");
  EXPECT_EQ(absl::BytesToHexString(ContentDigest(kKey, "edf", "row")),
            "a2da3e26567b14dc75d1dd4807e5c9cccca9c1936833aa19a3344a77ca531505");
}

TEST(RequestKeyTest, NamesAreUniquePerKindAndInstitution) {
  const Id128 bucket = BucketId(kKey, "reference", "edf", "A-1");
  EXPECT_NE(bucket, BucketId(kKey, "reference", "engie", "A-1"));
  EXPECT_NE(bucket, BucketId(kKey, "request/Submit", "edf", "A-1"));
  EXPECT_NE(bucket, BucketId(kKey, "reference", "edf", "A-2"));
  EXPECT_NE(bucket, BucketId(kKey, "reference", "edfA", "-1"));
  EXPECT_NE(bucket, BucketId(Secret(std::string(32, 'l')), "reference", "edf", "A-1"));
}

TEST(RequestKeyTest, ADigestTellsContentsAndKindsApart) {
  EXPECT_NE(ContentDigest(kKey, "edf", "row"), ContentDigest(kKey, "bspp", "row"));
  EXPECT_NE(ContentDigest(kKey, "edf", "row"), ContentDigest(kKey, "edf", "row2"));
}

}  // namespace
}  // namespace relais::identity
