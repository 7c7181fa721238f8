#include "common/rpc/disk_watch.h"

#include <gtest/gtest.h>

#include <iterator>
#include <vector>

#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

using storage::DiskLevel;
using storage::DiskUse;

constexpr storage::DiskMarks kMarks{{85, 100}, {95, 50}};
constexpr DiskUse kRoom{900, 1000};
constexpr DiskUse kOverFirst{90, 1000};
constexpr DiskUse kOverSecond{40, 1000};

constexpr common::v1::Effect kServed[] = {common::v1::EFFECT_READS, common::v1::EFFECT_ACKNOWLEDGES,
                                          common::v1::EFFECT_PROTECTS};

class FakeSpace final : public storage::DiskSpace {
 public:
  [[nodiscard]] absl::StatusOr<DiskUse> Look() const override { return use; }
  absl::StatusOr<DiskUse> use = kRoom;
};

class DiskWatchTest : public ::testing::Test {
 protected:
  // True when the level changed.
  bool Find(const absl::StatusOr<DiskUse>& use) {
    space_.use = use;
    return watch_.Look();
  }
  void ExpectServed(const std::vector<common::v1::Effect>& effects) {
    for (const common::v1::Effect effect : effects) {
      EXPECT_TRUE(watch_.Serves(effect).ok()) << common::v1::Effect_Name(effect);
    }
  }

  FakeSpace space_;
  DiskWatch watch_{kMarks, space_};
};

TEST_F(DiskWatchTest, UnderBothMarksAndOverTheFirstEverythingIsServed) {
  EXPECT_EQ(watch_.level(), DiskLevel::kNormal);
  for (const DiskUse& use : {kRoom, kOverFirst}) {
    Find(use);
    ExpectServed({std::begin(kServed), std::end(kServed)});
    ExpectServed({common::v1::EFFECT_WRITES});
  }
  EXPECT_EQ(watch_.level(), DiskLevel::kFirst);
}

TEST_F(DiskWatchTest, OverTheSecondOnlyWhatWritesIsRefused) {
  Find(kOverSecond);
  ExpectServed({std::begin(kServed), std::end(kServed)});
  const absl::Status refused = watch_.Serves(common::v1::EFFECT_WRITES);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(refused), common::v1::ERROR_REASON_DISK_FULL);
  EXPECT_EQ(RetryAfterOf(refused), absl::Minutes(1));
}

TEST_F(DiskWatchTest, SaysEachChangeOnce) {
  EXPECT_FALSE(Find(kRoom));
  EXPECT_TRUE(Find(kOverFirst));
  EXPECT_FALSE(Find(kOverFirst));
  EXPECT_TRUE(Find(kOverSecond));
  EXPECT_FALSE(Find(DiskUse{51, 1000}));  // not yet left: some room to spare first
  EXPECT_EQ(watch_.level(), DiskLevel::kSecond);
  EXPECT_EQ(watch_.use().free, 51u);
  EXPECT_TRUE(Find(kRoom));
  EXPECT_TRUE(watch_.Serves(common::v1::EFFECT_WRITES).ok());
}

TEST_F(DiskWatchTest, ADiskThatDoesNotSayLeavesTheLevel) {
  Find(kOverSecond);
  EXPECT_FALSE(Find(absl::UnavailableError("statvfs")));
  EXPECT_EQ(watch_.level(), DiskLevel::kSecond);
  EXPECT_FALSE(watch_.Serves(common::v1::EFFECT_WRITES).ok());
  EXPECT_EQ(watch_.use().size, kOverSecond.size);
  EXPECT_TRUE(Find(kRoom));
}

}  // namespace
}  // namespace relais::rpc
