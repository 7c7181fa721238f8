#include "common/storage/rocksdb/options.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/resource.h>

#include <cstdint>
#include <map>
#include <string>

namespace relais::storage {
namespace {

// A filter of a memtable costs each write: only where keys are looked up that are not there.
TEST(RocksDbOptions, MemtablesHaveFiltersWhereKeysMayBeAbsent) {
  std::map<std::string, bool> filtered;
  for (const rocksdb::ColumnFamilyDescriptor& family : MakeColumnFamilies(MakeCache({}))) {
    filtered[family.name] = family.options.memtable_whole_key_filtering;
    EXPECT_EQ(family.options.memtable_prefix_bloom_size_ratio > 0, filtered[family.name]) << family.name;
  }
  EXPECT_EQ(filtered, (std::map<std::string, bool>{{"default", true},
                                                   {"data", true},
                                                   {"leaves", false},
                                                   {"nodes", false},
                                                   {"subject_leaves", true},
                                                   {"leaf_subjects", false},
                                                   {"subject_keys", true},
                                                   {"meta", true},
                                                   {"documents", true}}));
}

// What a start has to read, and what is written out together once it is longer.
TEST(RocksDbOptions, TheWriteAheadLogIsAsLongAsItsOwnerSays) {
  RocksDbOptions options;
  EXPECT_EQ(MakeDbOptions(options, MakeCache({}), nullptr).max_total_wal_size, uint64_t{64} << 20);
  options.wal_bytes = size_t{512} << 20;
  EXPECT_EQ(MakeDbOptions(options, MakeCache({}), nullptr).max_total_wal_size, uint64_t{512} << 20);
}

// Two memtables of papers, one being written out, must leave room for rows' within the least a vault has.
TEST(RocksDbOptions, PapersLeaveRoomForRows) {
  for (const rocksdb::ColumnFamilyDescriptor& family : MakeColumnFamilies(MakeCache({}))) {
    const bool papers = family.name == kDocumentFamilyName;
    EXPECT_EQ(family.options.write_buffer_size, size_t{papers ? 16U : 32U} << 20) << family.name;
    EXPECT_EQ(family.options.compaction_style,
              papers ? rocksdb::kCompactionStyleUniversal : rocksdb::kCompactionStyleLevel)
        << family.name;
  }
}

TEST(RocksDbOptions, HalfOfTheFilesThatMayBeOpenAreTheStores) {
  EXPECT_EQ(OpenFilesWithin(1024), 512) << "the kernel's default";
  EXPECT_EQ(OpenFilesWithin(10'000), 5000);
  EXPECT_EQ(OpenFilesWithin(1'048'576), 8192);
  EXPECT_EQ(OpenFilesWithin(UINT64_MAX), 8192) << "no limit";
  rlimit files{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  EXPECT_EQ(MakeDbOptions({}, MakeCache({}), nullptr).max_open_files, OpenFilesWithin(files.rlim_cur));
}

}  // namespace
}  // namespace relais::storage
