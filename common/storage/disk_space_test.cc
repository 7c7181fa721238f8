#include "common/storage/disk_space.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/storage/testing/temp_folder.h"

namespace relais::storage {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kTiB = uint64_t{1} << 40;
constexpr DiskMarks kMarks{{85, 10 * kGiB}, {95, 2 * kGiB}};

DiskLevel Level(uint64_t free, uint64_t size, DiskLevel before = DiskLevel::kNormal) {
  return LevelOf(kMarks, {free, size}, before);
}

TEST(LevelOf, NeedsBothMuchUsedAndLittleFree) {
  EXPECT_EQ(Level(20 * kGiB, 200 * kGiB), DiskLevel::kNormal);  // 90 % used, and room
  EXPECT_EQ(Level(kTiB / 50, kTiB), DiskLevel::kNormal);        // 98 % used, and room: 20 GiB
  EXPECT_EQ(Level(kGiB, 2 * kGiB), DiskLevel::kNormal);         // little free, half empty
  EXPECT_EQ(Level(9 * kGiB, 100 * kGiB), DiskLevel::kFirst);
  EXPECT_EQ(Level(kGiB, 10 * kGiB), DiskLevel::kFirst);  // 90 %: not yet the second
  EXPECT_EQ(Level(kGiB, 100 * kGiB), DiskLevel::kSecond);
  EXPECT_EQ(Level(0, 100 * kGiB), DiskLevel::kSecond);
}

TEST(LevelOf, IsExactOnTheMarks) {
  EXPECT_EQ(Level(10 * kGiB, 100 * kGiB), DiskLevel::kNormal);
  EXPECT_EQ(Level(10 * kGiB - 1, 100 * kGiB), DiskLevel::kFirst);
  EXPECT_EQ(Level(6 * kGiB, 40 * kGiB), DiskLevel::kFirst);  // 85 %
  EXPECT_EQ(Level(6 * kGiB + 1, 40 * kGiB), DiskLevel::kNormal);
  EXPECT_EQ(Level(2 * kGiB, 100 * kGiB), DiskLevel::kFirst);
  EXPECT_EQ(Level(2 * kGiB - 1, 100 * kGiB), DiskLevel::kSecond);
}

TEST(LevelOf, IsLeftWithRoomToSpare) {
  // By bytes: an eighth more than the mark.
  EXPECT_EQ(Level(2 * kGiB, 100 * kGiB, DiskLevel::kSecond), DiskLevel::kSecond);
  EXPECT_EQ(Level(2 * kGiB + kGiB / 4 - 1, 100 * kGiB, DiskLevel::kSecond), DiskLevel::kSecond);
  EXPECT_EQ(Level(2 * kGiB + kGiB / 4, 100 * kGiB, DiskLevel::kSecond), DiskLevel::kFirst);
  EXPECT_EQ(Level(11 * kGiB, 100 * kGiB, DiskLevel::kFirst), DiskLevel::kFirst);
  EXPECT_EQ(Level(11 * kGiB, 100 * kGiB, DiskLevel::kSecond), DiskLevel::kFirst);
  EXPECT_EQ(Level(11 * kGiB + kGiB / 4, 100 * kGiB, DiskLevel::kFirst), DiskLevel::kNormal);
  // By percent: two points less than the mark.
  EXPECT_EQ(Level(6 * kGiB, 36 * kGiB, DiskLevel::kFirst), DiskLevel::kFirst);    // 83.3 %
  EXPECT_EQ(Level(6 * kGiB, 35 * kGiB, DiskLevel::kFirst), DiskLevel::kNormal);   // 82.9 %
  EXPECT_EQ(Level(6 * kGiB, 36 * kGiB, DiskLevel::kNormal), DiskLevel::kNormal);  // it never was over
}

TEST(LevelOf, NeverChangesToAndFroOnAMark) {
  DiskLevel level = DiskLevel::kNormal;
  int changes = 0;
  for (int i = 0; i < 100; ++i) {
    const DiskLevel now = Level(2 * kGiB - 1 + (i % 2) * (kGiB / 8), 100 * kGiB, level);
    changes += now == level ? 0 : 1;
    level = now;
  }
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(level, DiskLevel::kSecond);
}

TEST(LevelOf, MarksThatEveryDiskIsOverAndThatNoneIs) {
  const DiskMarks always{{0, UINT64_MAX / 2}, {0, UINT64_MAX / 2}};
  EXPECT_EQ(LevelOf(always, {kTiB, kTiB}, DiskLevel::kNormal), DiskLevel::kSecond);
  const DiskMarks never{{0, 0}, {0, 0}};
  EXPECT_EQ(LevelOf(never, {0, kTiB}, DiskLevel::kSecond), DiskLevel::kNormal);
}

// 2^57 bytes times 100 are more than 64 bits hold.
TEST(LevelOf, OfTheLargestDisks) {
  const uint64_t size = uint64_t{1} << 57;
  EXPECT_EQ(Level(size / 2, size), DiskLevel::kNormal);
  EXPECT_EQ(Level(kGiB, size), DiskLevel::kSecond);
}

TEST(FolderSpace, SaysWhatTheFileSystemSays) {
  const testing::TempFolder folder;
  const auto use = FolderSpace(folder.path()).Look();
  ASSERT_TRUE(use.ok()) << use.status();
  EXPECT_GT(use->size, 0u);
  EXPECT_LE(use->free, use->size);
  EXPECT_EQ(FolderSpace(folder.path() + "/not-there").Look().status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace relais::storage
