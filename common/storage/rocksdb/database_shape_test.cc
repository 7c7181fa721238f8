// What a store is set up for changes with versions of the program; what it holds does not.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/storage/rocksdb/options.h"
#include "common/storage/testing/rocksdb_backend.h"

namespace relais::storage {
namespace {

using testing::MakePartition;
using testing::Put;
using testing::RocksDbBackend;

constexpr int kPapers = 40;
constexpr size_t kPaper = size_t{64} << 10;  // a blob

std::string Key(int paper) { return std::string(kSealedPrefix) + std::to_string(paper); }
std::string Text(int paper) { return std::string(kPaper, static_cast<char>('a' + paper % 26)); }
Partition Of(int paper) { return MakePartition(PartitionKind::kDocument, static_cast<uint64_t>(paper)); }

void Write(RocksDbBackend& backend, int from, int to) {
  for (int paper = from; paper < to; ++paper) {
    ASSERT_TRUE(BlockOn(backend.store().Commit(Put(Of(paper), Key(paper), Text(paper)))).ok());
  }
}

void ExpectAll(RocksDbBackend& backend, int papers) {
  for (int paper = 0; paper < papers; ++paper) {
    const auto entry = backend.store().Get(Of(paper), Key(paper));
    ASSERT_TRUE(entry.ok()) << entry.status();
    ASSERT_TRUE(entry->has_value()) << paper;
    EXPECT_EQ((*entry)->value, Text(paper));
  }
}

// As programs before ADR 83 had it: levels, into which the tables of papers were merged.
void MergeAsBefore(const RocksDbOptions& options) {
  const auto cache = MakeCache(options);
  rocksdb::Options engine(MakeDbOptions(options, cache, nullptr), rocksdb::ColumnFamilyOptions());
  engine.listeners.clear();
  std::vector<rocksdb::ColumnFamilyDescriptor> families = MakeColumnFamilies(cache);
  families[kDocumentFamily].options.compaction_style = rocksdb::kCompactionStyleLevel;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(engine, options.path, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  ASSERT_TRUE(db->Flush(rocksdb::FlushOptions(), handles[kDocumentFamily]).ok());
  ASSERT_TRUE(
      db->CompactRange(rocksdb::CompactRangeOptions(), handles[kDocumentFamily], nullptr, nullptr).ok());
  std::string first_level;
  ASSERT_TRUE(db->GetProperty(handles[kDocumentFamily], "rocksdb.num-files-at-level0", &first_level));
  EXPECT_EQ(first_level, "0");
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    db->DestroyColumnFamilyHandle(handle);
  }
  ASSERT_TRUE(db->Close().ok());
}

TEST(StoreShape, PapersThatWereMergedByLevelsAreReadAndGoOn) {
  RocksDbBackend backend;
  backend.Open();
  Write(backend, 0, kPapers / 2);
  const RocksDbOptions options = backend.options();
  backend.Close();
  MergeAsBefore(options);
  backend.Open();
  ExpectAll(backend, kPapers / 2);
  Write(backend, kPapers / 2, kPapers);
  ASSERT_TRUE(backend.store().Compact().ok());
  ExpectAll(backend, kPapers);
  backend.Reopen();
  ExpectAll(backend, kPapers);
}

uint64_t BytesOfLogs(const std::string& path) {
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    bytes += file.path().extension() == ".log" ? file.file_size() : 0;
  }
  return bytes;
}

TEST(StoreShape, AStopLeavesNoLogToReadWhereItsOwnerWantsThat) {
  for (const bool flushes : {false, true}) {
    RocksDbOptions options;
    options.flush_at_close = flushes;
    RocksDbBackend backend(options);
    backend.Open();
    Write(backend, 0, kPapers);
    EXPECT_GT(BytesOfLogs(backend.options().path), kPapers * kPaper);
    backend.Close();
    EXPECT_EQ(BytesOfLogs(backend.options().path) < kPaper, flushes);
    backend.Open();
    ExpectAll(backend, kPapers);
  }
}

// On a full disk, say: what was acknowledged is in the log.
TEST(StoreShape, AStopThatCanWriteNothingOutLosesNothing) {
  RocksDbOptions options;
  options.flush_at_close = true;
  RocksDbBackend backend(options);
  backend.Open();
  Write(backend, 0, kPapers);
  backend.disk().Fail(testing::Fault::kSync, ".sst");
  backend.Reopen();
  ExpectAll(backend, kPapers);
}

}  // namespace
}  // namespace relais::storage
