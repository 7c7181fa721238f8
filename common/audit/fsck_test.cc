#include "common/audit/fsck.h"

#include <gtest/gtest.h>

#include "common/audit/big_endian.h"
#include "common/audit/leaf.h"
#include "common/audit/start.h"
#include "common/audit/testing/log_harness.h"
#include "common/audit/testing/no_sequencer.h"
#include "common/audit/tree_rows.h"
#include "google/protobuf/stubs/logging.h"

namespace relais::audit {
namespace {

using storage::LogTable;
using testing::NoSequencer;
using testing::Person;
using testing::PlainEvent;
using testing::SimLogHarness;
using testing::SubjectEvent;
using Row = storage::MemoryDisk::Row;

class FsckTest : public ::testing::Test {
 protected:
  // Fills the log and keeps its last checkpoint.
  void Publish() { note_ = harness_.Run(harness_.log().Checkpoint(harness_.log().state().size)).value(); }

  std::string Fsck(const std::shared_ptr<storage::MemoryDisk>& disk, bool with_ring = true) {
    NoSequencer sequencer;
    const storage::MemoryStore store(disk, harness_.executor(), sequencer, {});
    FsckOptions options;
    options.origin = harness_.options().origin;
    options.verifiers = {{harness_.verify_key().name, harness_.verify_key().key}};
    options.published = {{"published", note_}};
    options.ring = with_ring ? &harness_.ring() : nullptr;
    Findings findings;
    const absl::Status status = FsckStore(store, options, harness_.random(), findings);
    EXPECT_TRUE(status.ok()) << status;
    std::string text;
    for (const Finding& finding : findings.list()) {
      text += finding.where + ": " + finding.what + "\n";
    }
    return text;
  }
  std::string Fsck() { return Fsck(harness_.disk()); }

  // A copy of the disk with one row changed.
  std::shared_ptr<storage::MemoryDisk> With(const std::vector<storage::LogRow>& rows) {
    std::shared_ptr<storage::MemoryDisk> disk = harness_.disk()->Clone();
    disk->Apply({disk->last_version(), {}, rows});
    return disk;
  }
  std::vector<Row> RowsOf(LogTable table) { return harness_.disk()->ScanLog(table, "", "", 1000).rows; }

  void SmallLog() {
    ASSERT_TRUE(harness_.Run(RecordStart(harness_.log(), harness_.store(), "service/test", 1)).ok());
    harness_.Append({SubjectEvent(Person(1)), SubjectEvent(Person(2)), SubjectEvent(Person(1))});
    Publish();
  }

  SimLogHarness harness_;
  std::string note_;
};

TEST_F(FsckTest, ACleanStore) {
  SmallLog();
  EXPECT_EQ(Fsck(), "");
  harness_.AppendMany(300);
  EXPECT_EQ(Fsck(), "") << "more leaves than were published";
  Publish();
  EXPECT_EQ(Fsck(), "");
  EXPECT_EQ(Fsck(harness_.disk(), /*with_ring=*/false), "");
}

TEST_F(FsckTest, AnEmptyStore) {
  Publish();
  EXPECT_EQ(Fsck(), "");
}

TEST_F(FsckTest, ErasedSubjectsAreNoFinding) {
  SmallLog();
  const auto rows = harness_.log().keys().EraseRows(Person(1));
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ(Fsck(With(*rows)), "");
  // The tombstone without the pointers' removal.
  EXPECT_NE(Fsck(With({rows->front()})).find("the erasure is not finished"), std::string::npos);
}

// Any one bit of any row, in its key or its value.
TEST_F(FsckTest, EveryFlippedBitIsFound) {
  const google::protobuf::LogSilencer quiet;
  SmallLog();
  size_t flips = 0;
  for (int number = 0; number < storage::kLogTables; ++number) {
    const auto table = static_cast<LogTable>(number);
    for (const Row& row : RowsOf(table)) {
      for (size_t bit = 0; bit < 8 * (row.first.size() + row.second.size()); ++bit, ++flips) {
        Row bad = row;
        std::string& part = bit < 8 * row.first.size() ? bad.first : bad.second;
        const size_t at = bit < 8 * row.first.size() ? bit : bit - 8 * row.first.size();
        part[at / 8] ^= static_cast<char>(1 << (at % 8));
        EXPECT_NE(Fsck(With({{table, row.first, std::nullopt}, {table, bad.first, bad.second}})), "")
            << "table " << number << " bit " << bit;
      }
    }
  }
  EXPECT_GT(flips, 10'000U);
}

TEST_F(FsckTest, EveryMissingRowIsFound) {
  SmallLog();
  harness_.AppendMany(4);
  Publish();
  for (int number = 0; number < storage::kLogTables; ++number) {
    const auto table = static_cast<LogTable>(number);
    if (table == LogTable::kMeta) {
      continue;  // a log of an older version has none
    }
    for (const Row& row : RowsOf(table)) {
      EXPECT_NE(Fsck(With({{table, row.first, std::nullopt}})), "") << "table " << number;
      EXPECT_NE(Fsck(With({{table, row.first, row.second.substr(0, row.second.size() / 2) + "x"}})), "");
      EXPECT_NE(Fsck(With({{table, row.first + std::string(1, '\0'), row.second}})), "");
    }
  }
}

TEST_F(FsckTest, SaysWhatIsWrong) {
  SmallLog();
  harness_.AppendMany(12);
  Publish();
  const auto flipped = [&](LogTable table, const std::string& key, size_t at) {
    std::string value = *harness_.disk()->Log(table, key);
    value[at] ^= 1;
    return Fsck(With({{table, key, value}}));
  };
  // The random of leaf 6: its seals break, and it is not what the tree says.
  EXPECT_EQ(flipped(LogTable::kLeaves, IndexKey(6), kLeafRandomOffset),
            "leaf 6: part R opens with no key of its month\n"
            "leaf 6: leaf part P does not open with this key\n"
            "published line 3: the store's leaves do not lead to this root\n"
            "leaf 6 or 7: is not the one that was logged: the nodes above say otherwise\n");
  EXPECT_EQ(flipped(LogTable::kNodes, internal::NodeKey({2, 1}), 5),
            "node 1 of level 2: is not the hash of what is below it\n");
  EXPECT_EQ(Fsck(With({{LogTable::kLeaves, IndexKey(6), std::nullopt}})).substr(0, 16), "leaf 6: missing\n");
  EXPECT_NE(flipped(LogTable::kLeafSubjects, IndexKey(2), 9).find("row of leaf 2"), std::string::npos);
  EXPECT_NE(Fsck(With({{LogTable::kMeta, "other", "x"}})).find("meta row 6f74686572"), std::string::npos);
}

TEST_F(FsckTest, TheTimeOfALeafNeverDecreases) {
  SmallLog();
  std::string leaf = *harness_.disk()->Log(LogTable::kLeaves, IndexKey(4));
  StampTime(leaf, absl::UnixEpoch());
  EXPECT_NE(Fsck(With({{LogTable::kLeaves, IndexKey(4), leaf}})).find("leaf 4: its time is before"),
            std::string::npos);
}

TEST_F(FsckTest, ReorderedAndSplicedLeavesAreFound) {
  SmallLog();
  const std::string a = *harness_.disk()->Log(LogTable::kLeaves, IndexKey(2));
  const std::string b = *harness_.disk()->Log(LogTable::kLeaves, IndexKey(3));
  EXPECT_NE(Fsck(With({{LogTable::kLeaves, IndexKey(2), b}, {LogTable::kLeaves, IndexKey(3), a}})), "");
  EXPECT_NE(Fsck(With({{LogTable::kLeaves, IndexKey(3), a}})), "");
  EXPECT_NE(Fsck(With({{LogTable::kLeaves, IndexKey(5), b}})), "") << "one more";
}

TEST_F(FsckTest, ARollBackAndAForkAreFound) {
  SmallLog();
  const auto old = harness_.disk()->Clone();
  harness_.AppendMany(3);
  Publish();
  EXPECT_EQ(Fsck(old), "published: a checkpoint of 8 leaves was given out, the store has 5: rolled back\n");
  // The same number of other leaves.
  SimLogHarness other({.seed = 1});
  ASSERT_TRUE(other.Run(RecordStart(other.log(), other.store(), "service/test", 1)).ok());
  other.AppendMany(6);
  EXPECT_NE(Fsck(other.disk()).find("published line 3"), std::string::npos);
}

TEST_F(FsckTest, ThePublishedCheckpointIsChecked) {
  SmallLog();
  const std::string good = note_;
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    note_ = good;
    note_[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_NE(Fsck().find("published"), std::string::npos) << bit;
  }
}

TEST_F(FsckTest, AKeyRingThatLacksAKeyIsNamed) {
  SmallLog();
  ASSERT_TRUE(harness_.ring().Destroy("audit-log", 1).ok());
  EXPECT_NE(Fsck().find("key ring: has no key audit-log"), std::string::npos);
}

}  // namespace
}  // namespace relais::audit
