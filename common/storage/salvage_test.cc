#include "common/storage/salvage.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>

#include "common/storage/memory/memory_store.h"
#include "common/storage/partitions.h"
#include "common/storage/testing/damaged_store.h"
#include "common/storage/testing/rocksdb_backend.h"

namespace relais::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::MakePartition;
using testing::Put;
using testing::RocksDbBackend;
using ::testing::SizeIs;

constexpr char kPrefix[] = "v/";

Id128 IdOf(uint8_t first, uint8_t last = 0) {
  std::string bytes(Id128::kSize, '\0');
  bytes.front() = static_cast<char>(first);
  bytes.back() = static_cast<char>(last);
  return Id128::FromBytes(bytes).value();
}
std::string KeyOf(const Id128& id) { return kPrefix + id.ToBytes(); }

const Partition kHers = MakePartition(PartitionKind::kPerson, 1);

// A store in memory of which stretches can be made unreadable.
struct Disk {
  ThreadPool pool{1};
  testing::CountingSequencer sequencer;
  testing::DamagedStore store{
      std::make_unique<MemoryStore>(std::make_shared<MemoryDisk>(), pool, sequencer, MemoryStore::Options{})};

  void Add(const Partition& partition, const std::string& key) {
    EXPECT_TRUE(BlockOn(store.Commit(Put(partition, key, "x"))).ok());
  }
};

std::vector<std::string> KeysOf(const std::vector<KeyedEntry>& entries) {
  std::vector<std::string> keys;
  for (const KeyedEntry& entry : entries) {
    keys.push_back(entry.key);
  }
  return keys;
}

TEST(Salvage, WhatReadsIsAScan) {
  Disk disk;
  for (const uint8_t n : {1, 2, 3}) {
    disk.Add(kHers, KeyOf(IdOf(n)));
  }
  disk.Add(kHers, "w/other");
  const auto first = Salvage(disk.store, kHers, kPrefix, "", 2);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(KeysOf(first->entries), ElementsAre(KeyOf(IdOf(1)), KeyOf(IdOf(2))));
  EXPECT_EQ(first->next, KeyOf(IdOf(3)));
  const auto rest = Salvage(disk.store, kHers, kPrefix, first->next, 2);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_THAT(KeysOf(rest->entries), ElementsAre(KeyOf(IdOf(3))));
  EXPECT_EQ(rest->next, "");
  EXPECT_THAT(rest->gaps, IsEmpty());
}

TEST(Salvage, WhatLiesBeforeAndAfterAGapIsRead) {
  Disk disk;
  std::vector<std::string> whole;
  for (int n = 1; n < 200; ++n) {
    const std::string key = KeyOf(IdOf(static_cast<uint8_t>(n), static_cast<uint8_t>(n * 7)));
    disk.Add(kHers, key);
    if (n < 50 || n > 53) {
      whole.push_back(key);
    }
  }
  disk.store.Damage(kHers, KeyOf(IdOf(50)), KeyOf(IdOf(53, 255)));
  EXPECT_TRUE(absl::IsDataLoss(disk.store.Scan(kHers, kPrefix, "", 1000).status()));
  for (const size_t page_size : {1, 3, 49, 50, 1000}) {
    SCOPED_TRACE(page_size);
    std::vector<std::string> found;
    std::vector<std::string> gaps;
    std::string from;
    do {
      const auto page = Salvage(disk.store, kHers, kPrefix, from, page_size);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->entries.size(), page_size);
      const std::vector<std::string> keys = KeysOf(page->entries);
      found.insert(found.end(), keys.begin(), keys.end());
      gaps.insert(gaps.end(), page->gaps.begin(), page->gaps.end());
      from = page->next;
    } while (!from.empty());
    EXPECT_EQ(found, whole);
    ASSERT_THAT(gaps, SizeIs(1));
    EXPECT_GT(gaps.front(), whole[48]);
    EXPECT_LE(gaps.front(), KeyOf(IdOf(50, static_cast<uint8_t>(50 * 7))));
  }
}

TEST(Salvage, EverythingMayBeAGap) {
  Disk disk;
  const Id128 last = Id128::FromBytes(std::string(Id128::kSize, '\xff')).value();
  for (const Id128& id : {IdOf(1), last}) {
    disk.Add(kHers, KeyOf(id));
    const Partition other{PartitionKind::kCase, id};
    disk.Add(other, "row");
    disk.store.Damage(other, "row");
  }
  disk.store.Damage(kHers, kPrefix, KeyOf(last));
  const auto page = Salvage(disk.store, kHers, kPrefix, "", 10);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->entries, IsEmpty());
  EXPECT_THAT(page->gaps, SizeIs(1));
  EXPECT_EQ(page->next, "");
  const auto listed = SalvagePartitions(disk.store, PartitionKind::kCase, Id128(), 10);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(listed->partitions, IsEmpty());
  EXPECT_THAT(listed->gaps, SizeIs(1));
  EXPECT_FALSE(listed->next.has_value());
}

TEST(Salvage, PartitionsBeforeAndAfterAGapAreListed) {
  Disk disk;
  std::vector<Id128> whole;
  for (int n = 1; n < 100; ++n) {
    const Id128 id = IdOf(static_cast<uint8_t>(n), static_cast<uint8_t>(n * 11));
    const Partition partition{PartitionKind::kCase, id};
    disk.Add(partition, "row");
    if (n == 1 || n == 40 || n == 99) {
      disk.store.Damage(partition, "row");
    } else {
      whole.push_back(id);
    }
  }
  for (const size_t limit : {1, 7, 1000}) {
    SCOPED_TRACE(limit);
    std::vector<Id128> found;
    size_t gaps = 0;
    std::optional<Id128> from = Id128();
    while (from.has_value()) {
      const auto page = SalvagePartitions(disk.store, PartitionKind::kCase, *from, limit);
      ASSERT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->partitions.size(), limit);
      for (const Partition& partition : page->partitions) {
        EXPECT_EQ(partition.kind, PartitionKind::kCase);
        found.push_back(partition.id);
      }
      gaps += page->gaps.size();
      from = page->next;
    }
    EXPECT_EQ(found, whole);
    EXPECT_EQ(gaps, 3U);
  }
}

TEST(Salvage, WhatReadsOfAPartitionGoesAndTheRestIsCounted) {
  Disk disk;
  const Partition other = MakePartition(PartitionKind::kPerson, 2);
  for (int n = 1; n < 100; ++n) {
    disk.Add(kHers, KeyOf(IdOf(static_cast<uint8_t>(n))));
  }
  disk.Add(other, "row");
  disk.store.Damage(kHers, KeyOf(IdOf(40)), KeyOf(IdOf(41)));
  EXPECT_TRUE(absl::IsDataLoss(BlockOn(EmptyPartition(disk.store, kHers, ""))));
  const auto gaps = BlockOn(EmptyWhatReads(disk.store, kHers));
  ASSERT_TRUE(gaps.ok()) << gaps.status();
  EXPECT_EQ(*gaps, 1U);
  const auto left = Salvage(disk.store, kHers, "", "", 1000);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_THAT(left->entries, IsEmpty());
  EXPECT_TRUE(disk.store.Get(other, "row")->has_value());
}

TEST(Salvage, ADiskThatRefusesIsNoGap) {
  Disk disk;
  disk.Add(kHers, KeyOf(IdOf(1)));
  disk.store.Refuse(absl::UnavailableError("the disk refuses"));
  EXPECT_TRUE(absl::IsUnavailable(Salvage(disk.store, kHers, kPrefix, "", 10).status()));
  EXPECT_TRUE(
      absl::IsUnavailable(SalvagePartitions(disk.store, PartitionKind::kPerson, Id128(), 10).status()));
}

// ---- the real store, with a byte of a block of its files changed

constexpr int kRows = 400;

std::string TableFile(const std::string& folder) {
  std::string largest;
  uint64_t size = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".sst" && file.file_size() > size) {
      size = file.file_size();
      largest = file.path().string();
    }
  }
  return largest;
}

TEST(Salvage, GoesPastABadBlockOfTheRealStore) {
  RocksDbBackend backend;
  backend.Open();
  std::mt19937_64 random(1);
  std::map<std::string, std::string> rows;
  std::vector<Partition> persons;
  for (int i = 0; i < kRows; ++i) {
    std::string bytes;
    for (size_t byte = 0; byte < Id128::kSize + 200; ++byte) {
      bytes.push_back(static_cast<char>(random()));
    }
    const Id128 id = Id128::FromBytes(bytes.substr(0, Id128::kSize)).value();
    rows[KeyOf(id)] = bytes.substr(Id128::kSize);
    persons.push_back({PartitionKind::kSenderRecord, id});
    ASSERT_TRUE(BlockOn(backend.store().Commit(Put(kHers, KeyOf(id), rows[KeyOf(id)]))).ok());
    ASSERT_TRUE(BlockOn(backend.store().Commit(Put(persons.back(), "row", rows[KeyOf(id)]))).ok());
  }
  std::sort(persons.begin(), persons.end());
  ASSERT_TRUE(backend.store().Compact().ok());
  backend.store().Close();
  const std::string file = TableFile(backend.options().path);
  ASSERT_NE(file, "");
  {
    // The first half has the rows of one person, the second other partitions, one row each.
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<int64_t>(std::filesystem::file_size(file));
    for (const int64_t at : {size / 5, size * 3 / 5}) {
      stream.seekg(at);
      const int before = stream.get();
      stream.seekp(at);
      stream.put(static_cast<char>(before ^ 0x04));
    }
  }
  backend.Reopen();
  EXPECT_TRUE(absl::IsDataLoss(backend.store().Scan(kHers, kPrefix, "", 1000).status()));
  const auto page = Salvage(backend.store(), kHers, kPrefix, "", 1000);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->gaps, SizeIs(1));
  EXPECT_EQ(page->next, "");
  EXPECT_GT(page->entries.size(), size_t{kRows} * 3 / 4) << "a block has some twenty rows";
  EXPECT_LT(page->entries.size(), size_t{kRows});
  std::set<std::string> found;
  for (const KeyedEntry& row : page->entries) {
    EXPECT_EQ(row.entry.value, rows.at(row.key));
    found.insert(row.key);
  }
  EXPECT_EQ(found.size(), page->entries.size());
  for (const auto& [key, value] : rows) {
    const auto alone = backend.store().Get(kHers, key);
    EXPECT_EQ(alone.ok(), found.contains(key)) << "whatever reads alone is found";
  }
  const auto listed = SalvagePartitions(backend.store(), PartitionKind::kSenderRecord, Id128(), 1000);
  ASSERT_TRUE(listed.ok()) << listed.status();
  EXPECT_THAT(listed->gaps, SizeIs(1));
  EXPECT_GT(listed->partitions.size(), size_t{kRows} * 3 / 4);
  EXPECT_LT(listed->partitions.size(), size_t{kRows});
  EXPECT_TRUE(
      std::includes(persons.begin(), persons.end(), listed->partitions.begin(), listed->partitions.end()));
  EXPECT_TRUE(backend.store().failure().ok());
}

}  // namespace
}  // namespace relais::storage
