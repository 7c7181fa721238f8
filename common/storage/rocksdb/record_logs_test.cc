#include "common/storage/rocksdb/record_logs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/executor.h"
#include "common/storage/rocksdb/rocksdb_store.h"
#include "common/storage/testing/counting_sequencer.h"
#include "common/storage/testing/temp_folder.h"

namespace relais::storage {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
constexpr size_t kTypeAt = 6;
constexpr int kFirst = 2;
constexpr int kMiddle = 3;
constexpr int kLast = 4;
constexpr int kWrittenOver = 2;  // the bit that makes of a whole record (1) one of a log that is written over
constexpr int kLastWrittenOver = 8;
constexpr size_t kSector = 512;
// For each type, one of logs that are written over that is two bits from it.
constexpr std::array<char, kLast + 1> kTwoBitsFrom{0, 7, 7, 5, 7};
const Partition kCase{PartitionKind::kCase, {}};

void ChangeItsTypeByTwoBits(std::string& log, size_t record) {
  char& type = log.at(record + kTypeAt);
  type = kTwoBitsFrom.at(static_cast<uint8_t>(type));
}

void LengthenByTwoBits(std::string& log, size_t record) {
  char& high = log.at(record + kTypeAt - 1);
  high = static_cast<char>(high ^ 0xc0);
}

void ZeroASector(std::string& log, size_t record) {
  const size_t size = std::min(kSector, log.size() - record);
  log.replace(record, size, size, '\0');
}

// A store of which the last rows are in the write-ahead log and the others were flushed and never compacted.
class RecordLogsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < kRows; ++i) {
      ASSERT_TRUE(Commit(**store, KeyOf(i), std::string(100, static_cast<char>('a' + i))).ok());
      if (i == 9) {
        ASSERT_TRUE((*store)->LogCompact(LogTable::kMeta).ok());  // flushes all tables
      }
    }
  }
  static std::string KeyOf(int i) { return "key " + std::to_string(i); }
  static absl::Status Commit(RocksDbStore& store, const std::string& key, std::string value) {
    CommitRequest commit;
    commit.partition = kCase;
    commit.batch.push_back({key, std::move(value)});
    commit.leaves.push_back({"leaf of " + key});
    return BlockOn(store.Commit(std::move(commit))).status();
  }
  absl::StatusOr<std::unique_ptr<RocksDbStore>> Open(const std::string& name = "store") {
    RocksDbOptions options;
    options.path = folder_ / name;
    return RocksDbStore::Open(options, pool_, sequencer_);
  }
  [[nodiscard]] std::vector<fs::path> Logs() const {
    std::vector<fs::path> logs;
    for (const auto& entry : fs::directory_iterator(folder_ / "store")) {
      const std::string name = entry.path().filename();
      if ((name.starts_with("MANIFEST-") || entry.path().extension() == ".log") && entry.file_size() > 0) {
        logs.push_back(entry.path());
      }
    }
    return logs;
  }
  // The newest, which has the last rows.
  [[nodiscard]] fs::path WriteAheadLog() const {
    fs::path newest;
    for (const fs::path& log : Logs()) {
      if (log.extension() == ".log" && log > newest) {
        newest = log;
      }
    }
    return newest;
  }
  [[nodiscard]] fs::path Current() const { return folder_ / "store/CURRENT"; }
  // The one that CURRENT names.
  [[nodiscard]] fs::path Manifest() const {
    std::ifstream in(Current());
    std::string name;
    std::getline(in, name);
    return folder_ / ("store/" + name);
  }
  static std::string Read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static void Write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  static std::string Flipped(std::string bytes, size_t at, int bit) {
    bytes.at(at) = static_cast<char>(bytes.at(at) ^ (1 << bit));
    return bytes;
  }
  // Where its records begin.
  static std::vector<size_t> RecordsOf(const std::string& log) {
    std::vector<size_t> records;
    for (size_t at = 0; at + kHeader <= log.size();) {
      const size_t left = kBlock - at % kBlock;
      if (left < kHeader) {
        at += left;
        continue;
      }
      records.push_back(at);
      at += kHeader + static_cast<uint8_t>(log[at + 4]) + (size_t{static_cast<uint8_t>(log[at + 5])} << 8);
    }
    return records;
  }
  [[nodiscard]] absl::Status Check(const std::string& name = "store") const {
    return CheckRecordLogs(folder_ / name);
  }
  // Each bit of the length and the type of each record. A type that is none of ours is not left to RocksDB,
  // of which a later version may know it.
  void ExpectEachFlipIsSeen(const fs::path& log) {
    const std::string good = Read(log);
    for (const size_t record : RecordsOf(good)) {
      for (size_t at = record + 4; at < record + kHeader; ++at) {
        for (int bit = 0; bit < 8; ++bit) {
          const std::string bad = Flipped(good, at, bit);
          Write(log, bad);
          const auto opened = Open();
          EXPECT_TRUE(absl::IsDataLoss(opened.status())) << log << " byte " << at << " bit " << bit;
          if (at == record + kTypeAt && static_cast<uint8_t>(bad[at]) > kLast) {
            EXPECT_TRUE(absl::IsDataLoss(Check())) << log << " byte " << at << " bit " << bit;
          }
        }
      }
    }
    Write(log, good);
  }
  // Damages the records of a log one after the other: those that are `found` stop a start, at their place;
  // the others are as a crash leaves them.
  void ExpectFound(const fs::path& log, const std::function<void(std::string& log, size_t record)>& damage,
                   const std::function<bool(size_t record)>& found) {
    const std::string good = Read(log);
    for (const size_t record : RecordsOf(good)) {
      std::string bad = good;
      damage(bad, record);
      Write(log, bad);
      const absl::Status checked = Check();
      const std::string place = absl::StrCat(log.string(), " at byte ", record, ":");
      EXPECT_EQ(absl::IsDataLoss(checked), found(record)) << place << " " << checked;
      EXPECT_EQ(checked.ok(), !found(record)) << place << " " << checked;
      EXPECT_EQ(checked.message().find(place) != std::string::npos, found(record)) << place << " " << checked;
    }
    Write(log, good);
  }
  // Types of logs that are written over, further than one bit from what the records were.
  void ExpectOtherTypesAreFound(const fs::path& log) {
    const size_t last = RecordsOf(Read(log)).back();
    const auto before_the_last = [last](size_t record) { return record != last; };
    ExpectFound(log, ChangeItsTypeByTwoBits, before_the_last);
    for (int type = kLast + 1; type <= kLastWrittenOver; ++type) {
      const auto its_text_too = [type](std::string& bytes, size_t record) {
        bytes.at(record + kTypeAt) = static_cast<char>(type);
        bytes = Flipped(std::move(bytes), record + kHeader, 0);
      };
      ExpectFound(log, its_text_too, before_the_last);
    }
  }
  // Commits more than three blocks of the write-ahead log.
  void FillBlocks() {
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    for (int i = 0; i < 40; ++i) {
      ASSERT_TRUE(Commit(**store, "long " + std::to_string(i), std::string(3000, 'x')).ok());
    }
  }
  // A MANIFEST of more than three blocks: what its records say is RocksDB's to judge.
  void FillBlocksOfTheManifest() {
    ASSERT_NO_FATAL_FAILURE(FillBlocks());
    Write(Manifest(), Read(WriteAheadLog()));
    ASSERT_GT(fs::file_size(Manifest()), 3 * kBlock);
    ASSERT_TRUE(Check().ok()) << Check();
  }
  // With that for its write-ahead log the store does not open: it is RocksDB that says why.
  void ExpectRocksDbRefuses(const std::string& log) {
    fs::copy(folder_ / "store", folder_ / "copy");
    Write(fs::path(folder_ / "copy") / WriteAheadLog().filename(), log);
    EXPECT_TRUE(Check("copy").ok()) << Check("copy");
    EXPECT_FALSE(Open("copy").ok());
    fs::remove_all(folder_ / "copy");
  }
  // With that at the end of its write-ahead log the store opens, and has its rows.
  void ExpectOpensWithTail(const std::string& tail) { ExpectOpensWithTail(WriteAheadLog(), tail); }
  void ExpectOpensWithTail(const fs::path& log, const std::string& tail) {
    fs::copy(folder_ / "store", folder_ / "copy");
    Write(fs::path(folder_ / "copy") / log.filename(), Read(log) + tail);
    EXPECT_TRUE(Check("copy").ok()) << Check("copy");
    {
      const auto store = Open("copy");
      ASSERT_TRUE(store.ok()) << store.status();
      for (int i = 0; i < kRows; ++i) {
        const auto row = (*store)->Get(kCase, KeyOf(i));
        EXPECT_TRUE(row.ok() && row->has_value()) << i;
      }
    }
    fs::remove_all(folder_ / "copy");
  }

  static constexpr int kRows = 20;
  testing::TempFolder folder_;
  testing::CountingSequencer sequencer_;
  ThreadPool pool_{2};
};

TEST_F(RecordLogsTest, NoBitOfALengthOrATypeEndsALogUnseen) {
  ASSERT_TRUE(Check().ok()) << Check();
  const std::vector<fs::path> logs = Logs();
  ASSERT_GE(logs.size(), 2U) << "MANIFEST and the write-ahead log";
  for (const fs::path& log : logs) {
    ASSERT_LT(fs::file_size(log), kBlock);
    ExpectEachFlipIsSeen(log);
  }
  EXPECT_TRUE(Open().ok());
}

// A record that is longer than two blocks is a first, middle ones and a last.
TEST_F(RecordLogsTest, NoBitOfAFragmentEndsALogUnseen) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE(Commit(**store, "long", std::string(3 * kBlock, 'x')).ok());
  }
  const fs::path log = WriteAheadLog();
  const std::string good = Read(log);
  std::set<int> types;
  for (const size_t record : RecordsOf(good)) {
    types.insert(static_cast<uint8_t>(good.at(record + kTypeAt)));
  }
  ASSERT_TRUE(types.contains(kFirst) && types.contains(kMiddle) && types.contains(kLast));
  ASSERT_TRUE(Check().ok()) << Check();
  ExpectEachFlipIsSeen(log);
  EXPECT_TRUE(Open().ok());
}

// What a loss of power leaves of a tail that was never synchronized.
TEST_F(RecordLogsTest, AfterZerosTheRestOfTheirBlockIsNotLookedAt) {
  const std::string changed = Flipped(Read(WriteAheadLog()), kTypeAt, kWrittenOver);
  ASSERT_EQ(changed.at(kTypeAt), 5) << "its first record is whole";
  ASSERT_LT(2 * (changed.size() + kHeader), kBlock);
  ExpectOpensWithTail(std::string(20, '\0') + "\5 is a byte of what was written here");
  ExpectOpensWithTail(std::string(2 * kHeader, '\0') + changed);
}

TEST_F(RecordLogsTest, TheBlockAfterZerosIsLookedAt) {
  const fs::path log = WriteAheadLog();
  const std::string good = Read(log);
  ASSERT_LT(good.size() + kHeader, kBlock);
  std::string block = good;
  block.resize(kBlock);
  Write(log, block + good);
  EXPECT_TRUE(Check().ok()) << Check();
  Write(log, block + Flipped(good, kTypeAt, kWrittenOver));
  EXPECT_TRUE(absl::IsDataLoss(Check())) << Check();
}

TEST_F(RecordLogsTest, AnotherTypeThatWasNoRecordIsNoDamage) {
  const std::string length_and_type{8, 0, 6};
  ExpectOpensWithTail("junk" + length_and_type + "was here before");
}

// RocksDB takes them for the log's end, wherever they are.
TEST_F(RecordLogsTest, AnotherTypeBeforeAWholeRecordIsNoEnd) {
  ExpectOtherTypesAreFound(Manifest());
  ExpectOtherTypesAreFound(WriteAheadLog());
}

TEST_F(RecordLogsTest, AnotherTypeBeforeAWholeRecordOfALaterBlockIsNoEnd) {
  ASSERT_NO_FATAL_FAILURE(FillBlocks());
  ASSERT_GT(fs::file_size(WriteAheadLog()), 3 * kBlock);
  ExpectOtherTypesAreFound(WriteAheadLog());
  ASSERT_NO_FATAL_FAILURE(FillBlocksOfTheManifest());
  ExpectOtherTypesAreFound(Manifest());
}

TEST_F(RecordLogsTest, ALengthPastItsBlockIsNoEndBeforeAWholeRecordOfALaterOne) {
  ASSERT_NO_FATAL_FAILURE(FillBlocks());
  const size_t last = RecordsOf(Read(WriteAheadLog())).back();
  ASSERT_GT(last, 3 * kBlock);
  ExpectFound(WriteAheadLog(), LengthenByTwoBits,
              [last](size_t record) { return record / kBlock < last / kBlock; });
}

// In a MANIFEST also where that is in the same block.
TEST_F(RecordLogsTest, ALengthPastItsBlockIsNoEndOfAManifestBeforeAWholeRecord) {
  const size_t last = RecordsOf(Read(Manifest())).back();
  ExpectFound(Manifest(), LengthenByTwoBits, [last](size_t record) { return record != last; });
}

// Each record of a MANIFEST is synchronized before it counts: none is lost before one that is there.
TEST_F(RecordLogsTest, ASectorOfZerosBeforeAWholeRecordOfAManifestIsFound) {
  const auto expect_found = [this] {
    const size_t last = RecordsOf(Read(Manifest())).back();
    ASSERT_GE(last, kSector);
    ExpectFound(Manifest(), ZeroASector, [last](size_t record) { return record + kSector <= last; });
  };
  expect_found();
  ASSERT_NO_FATAL_FAILURE(FillBlocksOfTheManifest());
  expect_found();
}

TEST_F(RecordLogsTest, TheBlocksOfAManifestAfterZerosHoldNoRecord) {
  const std::string good = Read(Manifest());
  ASSERT_LT(good.size() + kHeader, kBlock);
  std::string block = good;
  block.resize(kBlock);
  Write(Manifest(), block + good);
  EXPECT_TRUE(absl::IsDataLoss(Check())) << Check();
  block.resize(2 * kBlock);
  Write(Manifest(), block + good);
  EXPECT_TRUE(absl::IsDataLoss(Check())) << Check();
}

// A loss of power may leave them before records, of a tail that was never synchronized.
TEST_F(RecordLogsTest, ZerosInAWriteAheadLogAreNoDamage) {
  ASSERT_NO_FATAL_FAILURE(FillBlocks());
  ExpectFound(WriteAheadLog(), ZeroASector, [](size_t) { return false; });
}

TEST_F(RecordLogsTest, AManifestThatEndsInNoRecordOpens) {
  const std::string length_and_type{8, 0, 6};
  ExpectOpensWithTail(Manifest(), std::string(20, '\0'));
  ExpectOpensWithTail(Manifest(), std::string(2 * kBlock, '\0'));
  ExpectOpensWithTail(Manifest(), "junk" + length_and_type + "was here before");
}

// Of zeros and junk at a write-ahead log's end RocksDB does not pass all.
TEST_F(RecordLogsTest, ATailThatIsNoEndIsForRocksDbToJudge) {
  for (const char type : {'\1', '\2', '\3', '\4', '\x9'}) {
    const std::string length_and_type{8, 0, type};
    ExpectRocksDbRefuses(Read(WriteAheadLog()) + "junk" + length_and_type + "was here before");
  }
  ASSERT_NO_FATAL_FAILURE(FillBlocks());
  const std::string log = Read(WriteAheadLog());
  const std::vector<size_t> records = RecordsOf(log);
  const auto first = std::find_if(records.begin(), records.end(),
                                  [&](size_t record) { return log.at(record + kTypeAt) == kFirst; });
  ASSERT_TRUE(first != records.end());
  const size_t cut = (*first / kBlock + 1) * kBlock;  // which it fills
  ExpectRocksDbRefuses(log.substr(0, cut) + std::string(kHeader, '\0'));
}

// As a crash leaves it before RocksDB deletes it.
TEST_F(RecordLogsTest, OnlyTheManifestThatCountsIsLookedAt) {
  const std::string good = Read(Manifest());
  const std::string bad = Flipped(good, kTypeAt, kWrittenOver);
  const fs::path old = folder_ / "store/MANIFEST-000001";
  ASSERT_NE(Manifest(), old);
  Write(Manifest(), bad);
  EXPECT_TRUE(absl::IsDataLoss(Check())) << Check();
  const std::string current = Read(Current());
  fs::remove(Current());
  EXPECT_TRUE(Check().ok()) << "for RocksDB to judge: " << Check();
  Write(Current(), current);
  Write(Manifest(), good);
  Write(old, bad);
  EXPECT_TRUE(Check().ok()) << Check();
  const auto store = Open();
  EXPECT_TRUE(store.ok()) << store.status();
}

TEST_F(RecordLogsTest, ALogThatACrashCutOpens) {
  for (const fs::path& log : Logs()) {
    const std::string good = Read(log);
    const std::vector<size_t> records = RecordsOf(good);
    for (size_t size = records.back(); size < good.size(); ++size) {
      Write(log, good.substr(0, size));
      EXPECT_TRUE(Check().ok()) << log << " " << size << " of " << good.size();
    }
    Write(log, good);
  }
}

// A record of nothing whose type became zero is told from zeros by its checksum: here of types 1, 2 and 4.
// One of type 2 stands where a block has room for a header only.
TEST(RecordLogs, ARecordOfNothingIsNotTakenForZeros) {
  const testing::TempFolder folder;
  const auto check = [&](const std::string& log) {
    std::ofstream(folder / "000001.log", std::ios::binary | std::ios::trunc) << log;
    return CheckRecordLogs(folder.path());
  };
  const std::string no_text_no_type(kHeader - 4, '\0');
  for (const char* checksum : {"\x05\x2b\x28\x43", "\x64\x51\xd0\xe9", "\xa7\x16\x20\x2b"}) {
    EXPECT_TRUE(absl::IsDataLoss(check(checksum + no_text_no_type)));
  }
  EXPECT_TRUE(check("none" + no_text_no_type).ok());
  EXPECT_TRUE(check(std::string(kHeader, '\0')).ok());
}

// One that a later RocksDB writes matches its checksum.
TEST(RecordLogs, ARecordOfATypeThatIsNotKnownIsNoEnd) {
  const testing::TempFolder folder;
  const std::string length{4, 0};
  const std::string unknown = "\x9d\x0a\xdc\x60" + length + "\x09zstd";
  const std::string whole = "\x16\x20\xaa\x58" + length + "\x01rows";
  const auto check = [&](const std::string& log) {
    std::ofstream(folder / "000001.log", std::ios::binary | std::ios::trunc) << log;
    return CheckRecordLogs(folder.path());
  };
  EXPECT_TRUE(check(unknown + whole).ok());
  const std::string changed = "\x9d\x0a\xdc\x60" + length + "\x09ztsd";
  EXPECT_TRUE(absl::IsDataLoss(check(changed + whole)));
  EXPECT_TRUE(check(changed).ok()) << "for RocksDB to judge";
}

TEST(RecordLogs, NoStoreIsNotDamaged) {
  const testing::TempFolder folder;
  EXPECT_TRUE(CheckRecordLogs(folder / "none").ok());
}

TEST(RecordLogs, WhatTheDiskRefusesIsUnavailable) {
  const testing::TempFolder folder;
  std::ofstream(folder / "file") << "no folder";
  EXPECT_TRUE(absl::IsUnavailable(CheckRecordLogs(folder / "file")));
  fs::create_symlink("000001.log", folder / "000001.log");  // to itself
  EXPECT_TRUE(absl::IsUnavailable(CheckRecordLogs(folder.path())));
}

// As a file that goes between the list and the look at it.
TEST(RecordLogs, ALogThatIsGoneIsPassedOver) {
  const testing::TempFolder folder;
  fs::create_symlink("gone", folder / "000001.log");
  EXPECT_TRUE(CheckRecordLogs(folder.path()).ok());
}

}  // namespace
}  // namespace relais::storage
