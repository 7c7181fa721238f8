// One leaf that does not read keeps no other (D-3.2).
#include "common/audit/readable_leaves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/audit/big_endian.h"
#include "common/audit/testing/log_harness.h"

namespace relais::audit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SimLogHarness;

std::vector<uint64_t> IndicesOf(const ReadableLeaves& read) {
  std::vector<uint64_t> indices;
  for (const OpenedLeaf& leaf : read.leaves) {
    indices.push_back(leaf.index);
  }
  return indices;
}

class ReadableLeavesTest : public ::testing::Test {
 protected:
  ReadableLeavesTest() { harness_.AppendMany(9); }
  // Nullopt: the leaf is gone.
  void Damage(uint64_t index, std::optional<std::string> bytes) {
    storage::MemoryDisk::Write damage;
    damage.version = harness_.disk()->last_version();
    damage.rows.push_back({storage::LogTable::kLeaves, IndexKey(index), std::move(bytes)});
    harness_.disk()->Apply(damage);
  }

  SimLogHarness harness_;
};

TEST_F(ReadableLeavesTest, AreAllWhereAllRead) {
  const auto read = OpenReadable(harness_.log(), {0, 3, 8});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(IndicesOf(*read), ElementsAre(0U, 3U, 8U));
  EXPECT_THAT(read->unreadable, IsEmpty());
}

TEST_F(ReadableLeavesTest, AreTheOthersInTheirOrder) {
  Damage(2, "torn");
  Damage(7, std::nullopt);
  ASSERT_TRUE(absl::IsDataLoss(harness_.log().OpenAt({1, 2}).status()));
  const auto read = OpenReadable(harness_.log(), {8, 7, 1, 2, 3});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(IndicesOf(*read), ElementsAre(8U, 1U, 3U));
  EXPECT_THAT(read->unreadable, ElementsAre(7U, 2U));
}

TEST_F(ReadableLeavesTest, AnErrorThatIsNoDamageIsOne) {
  EXPECT_TRUE(absl::IsOutOfRange(OpenReadable(harness_.log(), {1, 9}).status()));
}

}  // namespace
}  // namespace relais::audit
