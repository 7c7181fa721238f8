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
