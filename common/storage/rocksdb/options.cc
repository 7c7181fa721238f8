#include "common/storage/rocksdb/options.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "common/storage/store.h"

namespace relais::storage {
namespace {

// kPrefix: scans within the first 17 bytes. kPresent: look-ups of keys that are there, so that filters would
// say nothing. kTile: likewise, of keys next to one another.
enum class Access { kPoint, kPrefix, kPresent, kTile };
enum class Content { kCompressible, kRandom };  // kRandom: hashes and sealed keys

constexpr size_t kTileBlock = size_t{16} << 10;  // 255 nodes with their keys: a tile in a block or two

constexpr uint64_t kSmallestBlob = uint64_t{16} << 10;

constexpr size_t kMemtable = size_t{32} << 20;
constexpr size_t kDocumentMemtable = size_t{16} << 20;
constexpr int kDocumentTables = 8;  // at most, before some are merged

// Of a memtable's size.
constexpr double kMemtableBloomShare = 0.02;

constexpr uint64_t kMostOpenFiles = 8192;

uint64_t LimitOfOpenFiles() {
  rlimit files{};
  return getrlimit(RLIMIT_NOFILE, &files) == 0 ? uint64_t{files.rlim_cur} : 0;
}

bool SupportsLz4() {
  const std::vector<rocksdb::CompressionType> supported = rocksdb::GetSupportedCompressions();
  return std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end();
}

rocksdb::ColumnFamilyOptions MakeFamily(const std::shared_ptr<rocksdb::Cache>& cache, Access access,
                                        Content content) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  if (access == Access::kPoint || access == Access::kPrefix) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.partition_filters = true;
  }
  if (access == Access::kTile) {
    table.block_size = kTileBlock;
  }
  table.whole_key_filtering = true;
  // Indexes and filters in blocks of their own: of a large log no cache holds them whole, and one look-up
  // must not read a whole one.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;

  rocksdb::ColumnFamilyOptions family;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  family.write_buffer_size = kMemtable;
  family.max_write_buffer_number = 3;
  family.level_compaction_dynamic_level_bytes = true;
  family.compression =
      content == Content::kCompressible && SupportsLz4() ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  if (access == Access::kPoint || access == Access::kPrefix) {
    // Most keys that are looked up are fresh and random, and absent: without this each look-up walks every
    // memtable. Elsewhere it would cost each write and say nothing.
    family.memtable_whole_key_filtering = true;
    family.memtable_prefix_bloom_size_ratio = kMemtableBloomShare;
  }
  if (access == Access::kPrefix) {
    family.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(Partition::kEncodedSize));
  }
  return family;
}

// Of pieces of papers: large, written once, sealed under random keys. They are written to blob files once and
// moved by no compaction of their keys: RocksDB's own collection would copy the oldest files whether anything
// in them was deleted or not. Database::Compact rewrites them once more than half of it is garbage.
//
// A memtable is half as large as others: one that fills and one that is written out leave room for
// everybody's rows. Tables hold keys and where pieces are: each is small, so they are merged by size, and
// not, every few of them, with all that came before.
rocksdb::ColumnFamilyOptions MakeDocumentFamily(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions family = MakeFamily(cache, Access::kPrefix, Content::kRandom);
  family.write_buffer_size = kDocumentMemtable;
  family.compaction_style = rocksdb::kCompactionStyleUniversal;
  family.level0_file_num_compaction_trigger = kDocumentTables;
  // Small ones that wait while the one compaction at a time is busy elsewhere hold up nobody's writes.
  family.level0_slowdown_writes_trigger = kDocumentTables * 16;
  family.level0_stop_writes_trigger = kDocumentTables * 32;
  family.enable_blob_files = true;
  family.min_blob_size = kSmallestBlob;
  family.blob_file_size = uint64_t{256} << 20;
  family.blob_compression_type = rocksdb::kNoCompression;
  return family;
}

}  // namespace

int OpenFilesWithin(uint64_t limit) { return static_cast<int>(std::min(limit / 2, kMostOpenFiles)); }

std::shared_ptr<rocksdb::Cache> MakeCache(const RocksDbOptions& options) {
  return rocksdb::NewLRUCache(options.cache_bytes);
}

rocksdb::DBOptions MakeDbOptions(const RocksDbOptions& options, const std::shared_ptr<rocksdb::Cache>& cache,
                                 std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::DBOptions db;
  db.create_if_missing = options.create_if_missing;
  db.create_missing_column_families = true;
  db.paranoid_checks = true;
  // The default, point in time, may silently give up acknowledged commits; this one gives up only a torn last
  // record, which was never acknowledged, and refuses to open on anything else.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // A store that met an error stops; it does not try again behind our back.
  db.max_bgerror_resume_count = 0;
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes, cache);
  db.max_total_wal_size = options.wal_bytes;
  // Blob files are many, none larger than a memtable: one that is not kept open is opened at each look-up,
  // and its ends are read. A start opens sixteen tables of a family at most, whatever is said here.
  db.max_open_files = OpenFilesWithin(LimitOfOpenFiles());
  db.max_background_jobs = 2;
  db.allow_concurrent_memtable_write = false;  // one writer thread
  db.enable_write_thread_adaptive_yield = false;
  db.listeners.push_back(std::move(listener));
  if (options.env != nullptr) {
    db.env = options.env;
  }
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeColumnFamilies(
    const std::shared_ptr<rocksdb::Cache>& cache) {
  const auto family = [&cache](const char* name, Access access, Content content) {
    return rocksdb::ColumnFamilyDescriptor(name, MakeFamily(cache, access, content));
  };
  return {
      family("default", Access::kPoint, Content::kRandom),
      family("data", Access::kPrefix, Content::kCompressible),
      family("leaves", Access::kPresent, Content::kCompressible),
      family("nodes", Access::kTile, Content::kRandom),
      family("subject_leaves", Access::kPrefix, Content::kCompressible),
      family("leaf_subjects", Access::kPresent, Content::kRandom),
      family("subject_keys", Access::kPoint, Content::kRandom),
      family("meta", Access::kPoint, Content::kCompressible),
      rocksdb::ColumnFamilyDescriptor(kDocumentFamilyName, MakeDocumentFamily(cache)),
  };
}

}  // namespace relais::storage
