#include "common/storage/validate.h"

#include <gtest/gtest.h>

namespace relais::storage {
namespace {

CommitRequest Puts(int count, size_t value_bytes) {
  CommitRequest request;
  for (int i = 0; i < count; ++i) {
    request.batch.push_back({.key = std::to_string(i), .value = std::string(value_bytes, 'v')});
  }
  return request;
}

CommitRequest WithLeaf(LeafDraft leaf) {
  CommitRequest request;
  request.leaves.push_back(std::move(leaf));
  return request;
}

bool Valid(const CommitRequest& request) {
  const absl::Status status = ValidateCommit(request);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status));
  return status.ok();
}

TEST(Validate, BoundsOfOneCommit) {
  EXPECT_TRUE(Valid({}));
  EXPECT_TRUE(Valid(Puts(kMaxItemsPerCommit, 10)));
  EXPECT_FALSE(Valid(Puts(kMaxItemsPerCommit + 1, 10)));
  EXPECT_TRUE(Valid(Puts(7, kMaxValueBytes)));
  EXPECT_FALSE(Valid(Puts(8, kMaxValueBytes))) << "keys count too";
  CommitRequest leaves;
  leaves.leaves.resize(kMaxItemsPerCommit + 1);
  EXPECT_FALSE(Valid(leaves));
}

TEST(Validate, AKeyMayBeBothGuardedAndWritten) {
  CommitRequest request = Puts(1, 1);
  request.preconditions.push_back({.key = "0", .version = std::nullopt});
  EXPECT_TRUE(Valid(request));
  request.preconditions.push_back({.key = "0", .version = 1});
  EXPECT_FALSE(Valid(request));
}

TEST(Validate, LeavesAndTheirRows) {
  EXPECT_TRUE(Valid(WithLeaf({.bytes = "leaf", .subject = std::string(17, 's')})));
  EXPECT_FALSE(Valid(WithLeaf({.bytes = "leaf", .subject = std::string(16, 's')})));
  EXPECT_FALSE(Valid(WithLeaf({.bytes = std::string(kMaxValueBytes + 1, 'l')})));
  EXPECT_TRUE(Valid(WithLeaf({.bytes = "l", .rows = {{.table = LogTable::kMeta, .key = "k", .value = ""}}})));
  EXPECT_FALSE(Valid(WithLeaf({.bytes = "l", .rows = {{.table = LogTable::kMeta, .key = "", .value = ""}}})));
  EXPECT_FALSE(Valid(
      WithLeaf({.bytes = "l", .rows = {{.table = static_cast<LogTable>(6), .key = "k", .value = ""}}})));
}

TEST(Validate, BytesCountEverythingAGroupHolds) {
  CommitRequest request = Puts(2, 10);                                         // 2 × (1 + 10)
  request.preconditions.push_back({.key = "guard", .version = std::nullopt});  // 5
  request.leaves.push_back({.bytes = "leaf",                                   // 4
                            .subject = std::string(17, 's'),                   // 17
                            .rows = {{.table = LogTable::kMeta, .key = "k", .value = "vv"}}});  // 3
  EXPECT_EQ(CommitBytes(request), 22 + 5 + 4 + 17 + 3);
}

}  // namespace
}  // namespace relais::storage
