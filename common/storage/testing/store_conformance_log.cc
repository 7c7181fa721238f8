// The conformance suite, continued: the log's tables.
#include <gmock/gmock.h>

#include "common/storage/partitions.h"
#include "common/storage/testing/store_conformance.h"
#include "common/storage/value_format.h"

namespace relais::storage::testing {

void LinkLogConformance() {}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Partition kOne = MakePartition(PartitionKind::kPerson, 1);

std::vector<std::string> Keys(const absl::StatusOr<std::vector<Store::LogEntry>>& rows) {
  std::vector<std::string> keys;
  if (!rows.ok()) {
    return {rows.status().ToString()};
  }
  for (const Store::LogEntry& row : *rows) {
    keys.push_back(row.key);
  }
  return keys;
}

CommitRequest Rows(std::vector<LogRow> rows) {
  CommitRequest request{.partition = kOne};
  request.leaves.push_back({.bytes = "leaf", .rows = std::move(rows)});
  return request;
}

TEST_P(StoreConformance, LogTablesAreSeparateFromPartitionsAndFromOneAnother) {
  // A key as the data table has it, but for the leaves: the sequencer counts on indexes there.
  const auto key = [](int table) {
    return table == static_cast<int>(LogTable::kLeaves) ? EncodeBigEndian64(40) : kOne.Encode() + "k";
  };
  std::vector<LogRow> rows;
  for (int i = 0; i < kLogTables; ++i) {
    rows.push_back({.table = static_cast<LogTable>(i), .key = key(i), .value = "table " + std::to_string(i)});
  }
  ASSERT_TRUE(Commit(Rows(std::move(rows))).ok());
  CheckTwice([&] {
    for (int i = 0; i < kLogTables; ++i) {
      const auto row = store().LogGet(static_cast<LogTable>(i), key(i));
      ASSERT_TRUE(row.ok() && row->has_value()) << i;
      EXPECT_EQ(**row, "table " + std::to_string(i)) << "as given: no header";
      const auto several = store().LogMultiGet(static_cast<LogTable>(i), {"none", key(i)});
      ASSERT_TRUE(several.ok()) << several.status();
      EXPECT_EQ(several->at(0), std::nullopt);
      EXPECT_EQ(several->at(1), *row);
    }
    EXPECT_EQ(Read(kOne, "k"), "-");
  });
}

TEST_P(StoreConformance, LogRowsAreDeletedWithTheirCommit) {
  ASSERT_TRUE(Commit(Rows({{.table = LogTable::kSubjectKeys, .key = "s", .value = "wrapped key"}})).ok());
  ASSERT_TRUE(absl::IsAborted(
      Commit(IfVersion(Rows({{.table = LogTable::kSubjectKeys, .key = "s", .value = std::nullopt}}), "k", 7))
          .status()));
  EXPECT_TRUE(store().LogGet(LogTable::kSubjectKeys, "s")->has_value())
      << "an aborted commit deletes nothing";
  ASSERT_TRUE(Commit(Rows({{.table = LogTable::kSubjectKeys, .key = "s", .value = std::nullopt}})).ok());
  CheckTwice([&] { EXPECT_EQ(*store().LogGet(LogTable::kSubjectKeys, "s"), std::nullopt); });
  EXPECT_TRUE(store().LogCompact(LogTable::kSubjectKeys).ok());
  CheckTwice([&] {
    EXPECT_EQ(*store().LogGet(LogTable::kSubjectKeys, "s"), std::nullopt);
    EXPECT_THAT(Leaves(), ElementsAre("leaf", "leaf"));
  });
}

TEST_P(StoreConformance, LogScansGoByPrefixFromAKeyUpToALimit) {
  const std::string a(17, 'a');
  const std::string b(17, 'b');
  std::vector<LogRow> rows;
  for (const std::string& subject : {a, b}) {
    for (uint64_t i = 0; i < 3; ++i) {
      rows.push_back({.table = LogTable::kSubjectLeaves, .key = subject + EncodeBigEndian64(i), .value = ""});
    }
  }
  ASSERT_TRUE(Commit(Rows(std::move(rows))).ok());
  const auto key = [](const std::string& subject, uint64_t i) { return subject + EncodeBigEndian64(i); };
  CheckTwice([&] {
    constexpr LogTable kTable = LogTable::kSubjectLeaves;
    EXPECT_THAT(Keys(store().LogScan(kTable, a, "", 10)), ElementsAre(key(a, 0), key(a, 1), key(a, 2)));
    EXPECT_THAT(Keys(store().LogScan(kTable, a, "", 2)), ElementsAre(key(a, 0), key(a, 1)));
    EXPECT_THAT(Keys(store().LogScan(kTable, a, key(a, 1), 10)), ElementsAre(key(a, 1), key(a, 2)));
    EXPECT_THAT(Keys(store().LogScan(kTable, a, key(a, 2) + '\0', 10)), IsEmpty());
    EXPECT_THAT(Keys(store().LogScan(kTable, b, key(a, 1), 10)),
                ElementsAre(key(b, 0), key(b, 1), key(b, 2)));
    EXPECT_THAT(Keys(store().LogScan(kTable, "", key(a, 2), 2)), ElementsAre(key(a, 2), key(b, 0)));
    EXPECT_THAT(Keys(store().LogScan(kTable, "b", "", 1)), ElementsAre(key(b, 0)));
    EXPECT_THAT(Keys(store().LogScan(kTable, "c", "", 10)), IsEmpty());
    EXPECT_THAT(Keys(store().LogScan(kTable, "", "", 0)), IsEmpty());
    EXPECT_EQ((*store().LogLast(kTable))->key, key(b, 2));
  });
}

TEST_P(StoreConformance, TheLastRowOfATable) {
  CheckTwice([&] { EXPECT_EQ(*store().LogLast(LogTable::kLeaves), std::nullopt); });
  // Past one byte of index: order is that of numbers, not of lengths.
  for (int batch = 0; batch < 3; ++batch) {
    CommitRequest request{.partition = kOne};
    for (int i = 0; i < 100; ++i) {
      request = WithLeaf(std::move(request), std::to_string(batch * 100 + i));
    }
    ASSERT_TRUE(Commit(std::move(request)).ok());
  }
  CheckTwice([&] {
    const auto last = store().LogLast(LogTable::kLeaves);
    ASSERT_TRUE(last.ok() && last->has_value());
    EXPECT_EQ((*last)->key, EncodeBigEndian64(299));
    EXPECT_EQ((*last)->value, "299");
    EXPECT_EQ(Leaves().size(), 300);
    EXPECT_EQ(Leaves()[257], "257");
    EXPECT_THAT(Keys(store().LogScan(LogTable::kLeaves, "", EncodeBigEndian64(298), 10)),
                ElementsAre(EncodeBigEndian64(298), EncodeBigEndian64(299)));
  });
}

TEST_P(StoreConformance, ALogScanOfLargeRowsEndsEarly) {
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(Commit(WithLeaf({.partition = kOne}, std::string(size_t{1} << 20, 'x'))).ok());
  }
  CheckTwice([&] { EXPECT_EQ(Keys(store().LogScan(LogTable::kLeaves, "", "", 100)).size(), 4); });
}

TEST_P(StoreConformance, SubjectsAreWrittenBesideTheirLeaves) {
  const std::string subject = kOne.Encode();
  CommitRequest request = Put(kOne, "k", "v");
  request.leaves.push_back({.bytes = "hers", .subject = subject});
  ASSERT_TRUE(Commit(std::move(request)).ok());
  CheckTwice([&] {
    EXPECT_EQ(**store().LogGet(LogTable::kLeafSubjects, EncodeBigEndian64(0)), subject);
    EXPECT_THAT(Keys(store().LogScan(LogTable::kSubjectLeaves, subject, "", 10)),
                ElementsAre(subject + EncodeBigEndian64(0)));
  });
}

TEST_P(StoreConformance, ADraftWithoutBytesIsNoLeaf) {
  CommitRequest request = WithLeaf({.partition = kOne}, "leaf");
  request.leaves.push_back({.bytes = "", .rows = {{LogTable::kMeta, "k", "housekeeping"}}});
  const auto committed = Commit(std::move(request));
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_EQ(committed->leaves.count, 1);
  CommitRequest rows{.partition = kOne};
  rows.leaves.push_back({.bytes = "", .rows = {{LogTable::kMeta, "l", "more of it"}}});
  const auto alone = Commit(std::move(rows));
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(alone->leaves.count, 0);
  EXPECT_EQ(alone->leaves.tree_size, 1);
  CheckTwice([&] {
    EXPECT_THAT(Leaves(), ElementsAre("leaf"));
    EXPECT_EQ(**store().LogGet(LogTable::kMeta, "k"), "housekeeping");
    EXPECT_EQ(**store().LogGet(LogTable::kMeta, "l"), "more of it");
  });
}

TEST_P(StoreConformance, PartitionsOfAKindAreListedInOrder) {
  const auto person = [](uint8_t n) { return MakePartition(PartitionKind::kPerson, n); };
  for (const uint8_t n : {3, 1, 2}) {
    ASSERT_TRUE(Commit(Put(person(n), "a", "1")).ok());
    ASSERT_TRUE(Commit(Put(person(n), "b", "2")).ok());
  }
  ASSERT_TRUE(Commit(Put(MakePartition(PartitionKind::kMessage, 1), "a", "1")).ok());
  ASSERT_TRUE(Commit({.partition = person(2), .batch = {{"a", std::nullopt}}}).ok());
  ASSERT_TRUE(Commit({.partition = person(3), .batch = {{"a", std::nullopt}, {"b", std::nullopt}}}).ok());
  CheckTwice([&] {
    const auto all = store().ListPartitions(PartitionKind::kPerson, Id128(), 10);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_THAT(*all, ElementsAre(person(1), person(2))) << "3 holds nothing any more";
    EXPECT_THAT(*store().ListPartitions(PartitionKind::kPerson, person(2).id, 10), ElementsAre(person(2)));
    EXPECT_THAT(*store().ListPartitions(PartitionKind::kPerson, Id128(), 1), ElementsAre(person(1)));
    EXPECT_THAT(*store().ListPartitions(PartitionKind::kAlert, Id128(), 10), IsEmpty());
  });
}

TEST_P(StoreConformance, APartitionIsEmptiedButForOneKey) {
  for (int i = 0; i < 1200; i += 300) {
    CommitRequest many{.partition = kOne};
    for (int k = i; k < i + 300; ++k) {
      many.batch.push_back({"k" + std::to_string(k), "v"});
    }
    ASSERT_TRUE(Commit(std::move(many)).ok());
  }
  const Partition other = MakePartition(PartitionKind::kPerson, 2);
  ASSERT_TRUE(Commit(Put(other, "k0", "v")).ok());
  ASSERT_TRUE(BlockOn(EmptyPartition(store(), kOne, "k7")).ok());
  ASSERT_TRUE(store().Compact().ok());
  CheckTwice([&] {
    const auto left = store().Scan(kOne, "", "", 1000);
    ASSERT_TRUE(left.ok());
    ASSERT_EQ(left->entries.size(), 1);
    EXPECT_EQ(left->entries[0].key, "k7");
    EXPECT_EQ(Read(other, "k0").substr(0, 2), "v@");
  });
  ASSERT_TRUE(BlockOn(EmptyPartition(store(), kOne, "")).ok());
  CheckTwice([&] { EXPECT_TRUE(store().Scan(kOne, "", "", 10)->entries.empty()); });
}

TEST_P(StoreConformance, EachCommitIsStagedOnceAndEachGroupEndsOnce) {
  ASSERT_TRUE(Commit(Put(kOne, "a", "1")).ok());
  ASSERT_FALSE(Commit(IfAbsent(Put(kOne, "a", "2"), "a")).ok());  // never reaches the sequencer
  ASSERT_EQ(CommitAll({Put(kOne, "b", "1"), Put(kOne, "c", "1")}).size(), 2);
  const CountingSequencer::Counts counts = backend_->sequencer().counts();
  EXPECT_EQ(counts.staged, 3);
  EXPECT_EQ(counts.committed, 2);
  EXPECT_EQ(counts.abandoned, 0);
  CheckTwice([&] { EXPECT_EQ(Read(kOne, "c").substr(0, 2), "1@"); });
}

}  // namespace
}  // namespace relais::storage::testing
