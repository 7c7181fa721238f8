#include "common/storage/rocksdb/options.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

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

}  // namespace
}  // namespace relais::storage
