#include "common/audit/fsck_index.h"

#include <gtest/gtest.h>

#include "common/audit/index.h"
#include "common/audit/index_format.h"
#include "common/audit/testing/log_harness.h"
#include "common/audit/testing/no_sequencer.h"

namespace relais::audit {
namespace {

using storage::Partition;
using testing::NoSequencer;
using testing::Person;
using testing::PlainEvent;
using testing::SimLogHarness;
using testing::SubjectEvent;
using Row = storage::MemoryDisk::Row;

class FsckIndexTest : public ::testing::Test {
 protected:
  void SmallLog() {
    for (int i = 0; i < 5; ++i) {
      Event event = i % 2 == 0 ? SubjectEvent(Person(1 + i / 4)) : PlainEvent();
      event.institution = i < 3 ? "caf" : "edf";
      event.purpose = "RIGHTS_OPENING";
      event.categories = {"IDENTITY"};
      event.details.mutable_recipient()->set_institution("cpam");
      event.actor.set_agent("a-" + std::to_string(i % 2));
      event.actor.set_certificate(std::string(64, 'c'));
      harness_.Append(event);
    }
    IndexAll();
  }
  void IndexAll() {
    Index index(harness_.log(), harness_.store(), harness_.sim());
    index.Start(false);
    ASSERT_TRUE(harness_.Run(index.WaitIndexed(harness_.log().state().size, absl::Minutes(10))));
    harness_.Run(index.Stop());
  }
  std::string Fsck(const std::shared_ptr<storage::MemoryDisk>& disk) {
    NoSequencer sequencer;
    const storage::MemoryStore store(disk, harness_.executor(), sequencer, {});
    Findings findings;
    const absl::Status status = FsckIndex(store, harness_.ring(), harness_.random(), findings);
    EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    std::string text = status.ok() ? "" : "store: " + std::string(status.message()) + "\n";
    for (const Finding& finding : findings.list()) {
      text += finding.where + ": " + finding.what + "\n";
    }
    return text;
  }
  std::string Fsck() { return Fsck(harness_.disk()); }

  [[nodiscard]] Secret key() { return harness_.log().DeriveKey(internal::kIndexKeyInfo); }
  Partition Meta() { return {storage::PartitionKind::kIndexBucket, internal::IndexMeta(key())}; }
  // Encoded rows of the catalogue and of every bucket it names.
  std::vector<Row> Rows() {
    std::vector<Partition> partitions = {Meta()};
    const auto catalogue = harness_.store().Scan(Meta(), internal::kCatalogPrefix, "", 1000);
    for (const storage::KeyedEntry& entry : catalogue->entries) {
      partitions.push_back(
          {storage::PartitionKind::kIndexBucket, *internal::DecodeCatalogValue(entry.entry.value)});
    }
    std::vector<Row> rows;
    for (const Partition& partition : partitions) {
      const auto found = harness_.disk()->ScanData(partition.Encode(), "", 1000).rows;
      rows.insert(rows.end(), found.begin(), found.end());
    }
    return rows;
  }
  std::shared_ptr<storage::MemoryDisk> With(
      const std::vector<std::pair<std::string, std::optional<std::string>>>& data) {
    std::shared_ptr<storage::MemoryDisk> disk = harness_.disk()->Clone();
    disk->Apply({disk->last_version(), data, {}});
    return disk;
  }

  SimLogHarness harness_;
};

TEST_F(FsckIndexTest, CleanIndexes) {
  EXPECT_EQ(Fsck(), "") << "there are none";
  SmallLog();
  EXPECT_EQ(Fsck(), "");
  harness_.AppendMany(40);
  EXPECT_EQ(Fsck(), "") << "more leaves than are indexed";
  IndexAll();
  EXPECT_EQ(Fsck(), "");
}

TEST_F(FsckIndexTest, WhatWasErasedIsNoFinding) {
  SmallLog();
  const auto rows = harness_.log().keys().EraseRows(Person(1));
  ASSERT_TRUE(rows.ok());
  std::shared_ptr<storage::MemoryDisk> disk = harness_.disk()->Clone();
  disk->Apply({disk->last_version(), {}, *rows});
  EXPECT_EQ(Fsck(disk), "");
}

// Any one bit of any row: of its place, its key, its version and format, or its value.
TEST_F(FsckIndexTest, EveryFlippedBitIsFound) {
  SmallLog();
  size_t flips = 0;
  for (const Row& row : Rows()) {
    const size_t partition = Meta().Encode().size();
    for (size_t bit = 0; bit < 8 * (row.first.size() + row.second.size()); ++bit) {
      Row bad = row;
      const bool in_key = bit < 8 * row.first.size();
      std::string& part = in_key ? bad.first : bad.second;
      const size_t at = in_key ? bit : bit - 8 * row.first.size();
      // What stands before the value proper, its format and version, is the store's own.
      constexpr size_t kValueHead = 1 + 8;
      if (!in_key && at / 8 < kValueHead) {
        continue;
      }
      part[at / 8] ^= static_cast<char>(1 << (at % 8));
      EXPECT_NE(Fsck(With({{row.first, std::nullopt}, {bad.first, bad.second}})), "")
          << "bit " << bit << " of a key of " << row.first.size() << " after a partition of " << partition;
      ++flips;
    }
    EXPECT_NE(Fsck(With({{row.first, std::nullopt}})), "") << "missing";
  }
  EXPECT_GT(flips, 5'000U);
}

TEST_F(FsckIndexTest, SaysWhichLeafAndNeverWhatItHas) {
  SmallLog();
  const Partition bucket{storage::PartitionKind::kIndexBucket,
                         internal::IndexPartition(key(), 1, Dimension::kInstitution, 0)};
  const auto rows = harness_.disk()->ScanData(bucket.Encode(), "", 10).rows;
  ASSERT_EQ(rows.size(), 2U);
  const std::string found = Fsck(With({{rows[0].first, rows[1].second}, {rows[1].first, rows[0].second}}));
  EXPECT_NE(found.find("index institution of segment 0: leaf"), std::string::npos) << found;
  EXPECT_EQ(found.find("caf"), std::string::npos);
}

}  // namespace
}  // namespace relais::audit
