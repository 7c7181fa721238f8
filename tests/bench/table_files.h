// Large stores made fast: rows written in the order of their keys as table files, which RocksDB takes in
// whole.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/storage/store.h"

namespace relais::bench {

/// Sorted files of one table. Not thread-safe.
class TableFiles {
 public:
  /// A file is ended by itself once it is larger than this.
  static constexpr uint64_t kMostFileBytes = uint64_t{64} << 20;

  TableFiles(int family, std::string prefix, rocksdb::ColumnFamilyOptions options);

  /// Keys of one file ascend; keys of different files must not overlap.
  absl::Status Put(const std::string& key, const std::string& value);
  absl::Status EndFile();
  [[nodiscard]] int family() const { return family_; }
  [[nodiscard]] const std::vector<std::string>& files() const { return files_; }

 private:
  const int family_;
  const std::string prefix_;
  const rocksdb::Options options_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
  std::vector<std::string> files_;
};

/// The files of all tables of one store. Not thread-safe.
class StoreFiles {
 public:
  /// Files are written into `folder`, on the same file system as the store at `store_path`.
  StoreFiles(std::string folder, std::string store_path);

  /// Files of their own for part of a table's keys; valid as long as this is.
  TableFiles* Log(storage::LogTable table, const std::string& name);
  TableFiles* Data(const std::string& name);
  /// The version of the last commit of the store; 0 when there is none. Nobody else may have it open.
  [[nodiscard]] absl::StatusOr<uint64_t> LastVersion() const;
  /// Ends every file and gives all of them to the store, which nobody else may have open. `last_version`:
  /// that of the last commit among them.
  absl::Status Ingest(std::optional<uint64_t> last_version = std::nullopt);

 private:
  TableFiles* Add(int family, const std::string& name);

  const std::string folder_;
  const std::string store_path_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  const std::vector<rocksdb::ColumnFamilyDescriptor> descriptors_;
  std::deque<TableFiles> tables_;
};

}  // namespace relais::bench
