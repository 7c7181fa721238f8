// How a RocksDB store is set up: what its owner chooses, and the engine settings that follow from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/storage/store.h"

namespace rocksdb {
class Cache;
class Env;
class EventListener;
struct ColumnFamilyDescriptor;
struct DBOptions;
}  // namespace rocksdb

namespace relais::storage {

struct RocksDbOptions {
  std::string path = {};                   // a folder; made, readable by its owner only, when it is missing
  bool create_if_missing = true;           // false: NOT_FOUND when there is no store at `path`
  size_t cache_bytes = size_t{128} << 20;  // blocks, indexes and filters of all tables, and the memtables
  size_t write_buffer_bytes = size_t{64} << 20;  // of it, all memtables together; one is at most 32 MiB
  /// The write-ahead log: what a start after a crash has to read. Once it is longer, every memtable that it
  /// is kept for is written out, however little is in it.
  size_t wal_bytes = size_t{64} << 20;
  size_t version_cache_bytes = size_t{16} << 20;

  size_t queue_limit = 4096;              // commits waiting; beyond: RESOURCE_EXHAUSTED
  size_t queue_bytes = size_t{64} << 20;  // what they hold
  size_t group_limit = 512;               // commits sharing one fsync
  size_t group_bytes = size_t{4} << 20;   // closes a group; a single larger commit is its own group
  /// Writes all memtables out when the store is closed, so that the next start has no log to read. What
  /// cannot be written then is in the log all the same.
  bool flush_at_close = false;
  /// False gives up "durable on OK": for measurements only.
  bool fsync = true;

  /// Called once, on the executor, when the store fails: the process should stop serving.
  std::function<void(absl::Status)> on_failure = {};
  /// Files go through here; null: the machine's. Outlives the store. For tests.
  rocksdb::Env* env = nullptr;
};

/// The column families of a store, in the order their handles are used: bookkeeping (RocksDB's "default"),
/// data, then one per LogTable, then the data of partition kind kDocument (ADR 44).
inline constexpr int kBookkeepingFamily = 0;
inline constexpr int kDataFamily = 1;
inline constexpr int kFirstLogFamily = 2;
inline constexpr int kDocumentFamily = kFirstLogFamily + kLogTables;
inline constexpr char kDocumentFamilyName[] = "documents";
/// Keys of partition kind kDocument that begin so hold sealed values.
inline constexpr char kSealedPrefix[] = "c/";

/// Table and blob files that are kept open by a process that may have `limit` files open: half of them, the
/// others are connections'; at most 8,192.
[[nodiscard]] int OpenFilesWithin(uint64_t limit);

/// What blocks and memtables are charged to: one bound for both.
[[nodiscard]] std::shared_ptr<rocksdb::Cache> MakeCache(const RocksDbOptions& options);
[[nodiscard]] rocksdb::DBOptions MakeDbOptions(const RocksDbOptions& options,
                                               const std::shared_ptr<rocksdb::Cache>& cache,
                                               std::shared_ptr<rocksdb::EventListener> listener);
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> MakeColumnFamilies(
    const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace relais::storage
