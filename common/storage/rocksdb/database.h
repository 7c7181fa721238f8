// An open RocksDB database in the shape of the storage contract: its tables, reads, and errors in our terms.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "common/storage/rocksdb/failure_latch.h"
#include "common/storage/rocksdb/options.h"
#include "common/storage/store.h"
#include "common/storage/value_format.h"

namespace relais::storage {

/// Thread-safe; must not be used once destroyed. A read that the disk refuses sets the latch (UNAVAILABLE); a
/// block or value that is damaged is DATA_LOSS for that read alone.
class Database {
 public:
  /// FAILED_PRECONDITION: another process has it open, or a newer program wrote it. NOT_FOUND: none there and
  /// none to be made. DATA_LOSS: damaged. UNAVAILABLE: the disk refuses.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const RocksDbOptions& options,
                                                        std::shared_ptr<FailureLatch> latch);
  /// The same beside nobody, without a lock and without changing a file; whoever opens it sees to it that no
  /// process writes there.
  static absl::StatusOr<std::unique_ptr<Database>> OpenReadOnly(const RocksDbOptions& options,
                                                                std::shared_ptr<FailureLatch> latch);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Keys as encoded on disk; values stripped of their header.
  [[nodiscard]] absl::StatusOr<std::optional<Entry>> GetData(std::string_view encoded_key) const;
  /// As Store::WithValue.
  [[nodiscard]] absl::StatusOr<bool> WithData(
      std::string_view encoded_key, absl::FunctionRef<absl::Status(const StoredValue& stored)> use) const;
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<Entry>>> MultiGetData(
      const std::vector<std::string>& encoded_keys) const;
  /// The versions alone. A key that cannot be read is left out: a Get tells why.
  struct Version {
    size_t key = 0;  // place in `encoded_keys`
    std::optional<uint64_t> version;
  };
  [[nodiscard]] std::vector<Version> ReadableVersions(
      const std::vector<std::string_view>& encoded_keys) const;
  [[nodiscard]] absl::StatusOr<Page> ScanData(const Partition& partition, std::string_view prefix,
                                              std::string_view from, size_t page_size) const;
  /// As Store::ScanReadable.
  [[nodiscard]] absl::StatusOr<Page> ScanReadableData(const Partition& partition, std::string_view prefix,
                                                      std::string_view from, size_t page_size) const;

  [[nodiscard]] absl::StatusOr<std::optional<std::string>> LogGet(LogTable table, std::string_view key) const;
  [[nodiscard]] absl::StatusOr<std::vector<std::optional<std::string>>> LogMultiGet(
      LogTable table, const std::vector<std::string>& keys) const;
  [[nodiscard]] absl::StatusOr<std::vector<Store::LogEntry>> LogScan(LogTable table, std::string_view prefix,
                                                                     std::string_view from,
                                                                     size_t limit) const;
  [[nodiscard]] absl::StatusOr<std::optional<Store::LogEntry>> LogLast(LogTable table) const;
  [[nodiscard]] absl::StatusOr<std::vector<Partition>> ListPartitions(PartitionKind kind, const Id128& from,
                                                                      size_t limit) const;
  absl::Status LogCompact(LogTable table) { return CompactFamilies({log(table)}); }
  absl::Status Compact();
  /// Ends compactions under way and refuses later ones with CANCELLED: the store is about to close.
  void CancelCompactions() { db_->DisableManualCompaction(); }
  /// For BackupEngine.
  [[nodiscard]] rocksdb::DB* db() const { return db_.get(); }

  /// One atomic write of all tables; durable on OK if `fsync`. Any error sets the latch.
  absl::Status Write(rocksdb::WriteBatch& batch, bool fsync);
  void PutVersion(rocksdb::WriteBatch& batch, uint64_t version) const;
  /// Where the rows of a partition kind are. A store that was opened to be looked at and has no family for
  /// documents has none of their rows.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* data(PartitionKind kind) const {
    return kind == PartitionKind::kDocument && families_.size() > size_t{kDocumentFamily}
               ? families_[kDocumentFamily]
               : families_[kDataFamily];
  }
  /// The same by a row's encoded key, whose first byte is the kind.
  [[nodiscard]] rocksdb::ColumnFamilyHandle* DataOf(std::string_view encoded_key) const {
    return data(encoded_key.empty() ? PartitionKind::kCursor : static_cast<PartitionKind>(encoded_key[0]));
  }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* log(LogTable table) const {
    return families_[static_cast<size_t>(kFirstLogFamily) + static_cast<size_t>(table)];
  }

  /// The version of the last commit in the database; 0 when there is none.
  [[nodiscard]] absl::StatusOr<uint64_t> LastVersion() const;

  /// Place and problem of what is wrong in the files and the data rows; see inspect.h. At most 1,000.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Check() const;

 private:
  Database(std::shared_ptr<FailureLatch> latch, bool flush_at_close)
      : latch_(std::move(latch)), flush_at_close_(flush_at_close) {}
  static absl::StatusOr<std::unique_ptr<Database>> OpenAs(const RocksDbOptions& options, bool read_only,
                                                          std::shared_ptr<FailureLatch> latch);
  absl::Status CheckFormat(bool read_only);
  absl::Status CompactFamilies(const std::vector<rocksdb::ColumnFamilyHandle*>& families);
  absl::Status CollectBlobs();
  absl::Status Compacted(const rocksdb::Status& status);
  // What comes before an error is in `page` all the same.
  absl::Status FillPage(const Partition& partition, std::string_view prefix, std::string_view from,
                        size_t page_size, Page& page) const;
  absl::Status ReadError(const rocksdb::Status& status) const;

  const std::shared_ptr<FailureLatch> latch_;
  const bool flush_at_close_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // owned
};

}  // namespace relais::storage
