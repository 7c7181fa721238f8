#include "common/storage/rocksdb/inspect.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/base/status.h"
#include "common/storage/rocksdb/database.h"
#include "common/storage/rocksdb/failure_latch.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

absl::Status ReadOnly() { return absl::FailedPreconditionError("the store is open for reading only"); }

// The engine's own lock tells whether a process has the store open; a reader does not take it.
bool IsOpenElsewhere(const std::string& path) {
  const int fd = ::open((path + "/LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool asked = ::fcntl(fd, F_GETLK, &lock) == 0;
  ::close(fd);
  return asked && lock.l_type != F_UNLCK;
}

}  // namespace

absl::Status CheckClosed(const std::string& path) {
  return IsOpenElsewhere(path)
             ? absl::FailedPreconditionError("the store at " + path +
                                             " is open in another process: stop the service first")
             : absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ReadOnlyStore>> ReadOnlyStore::Open(RocksDbOptions options) {
  options.create_if_missing = false;
  RETURN_IF_ERROR(CheckClosed(options.path));
  auto latch = std::make_shared<FailureLatch>([](const absl::Status& /*why*/) {});
  ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::OpenReadOnly(options, latch));
  return std::unique_ptr<ReadOnlyStore>(new ReadOnlyStore(std::move(latch), std::move(database)));
}

ReadOnlyStore::ReadOnlyStore(std::shared_ptr<FailureLatch> latch, std::unique_ptr<Database> database)
    : latch_(std::move(latch)), database_(std::move(database)) {}

ReadOnlyStore::~ReadOnlyStore() = default;

std::vector<std::pair<std::string, std::string>> ReadOnlyStore::Check() const { return database_->Check(); }

absl::StatusOr<std::optional<Entry>> ReadOnlyStore::Get(const Partition& partition,
                                                        std::string_view key) const {
  RETURN_IF_ERROR(ValidateKey(key));
  return database_->GetData(EncodeDataKey(partition, key));
}

absl::StatusOr<std::vector<std::optional<Entry>>> ReadOnlyStore::MultiGet(
    const std::vector<Address>& addresses) const {
  std::vector<std::string> keys;
  for (const Address& address : addresses) {
    RETURN_IF_ERROR(ValidateKey(address.key));
    keys.push_back(EncodeDataKey(address.partition, address.key));
  }
  return database_->MultiGetData(keys);
}

absl::StatusOr<Page> ReadOnlyStore::Scan(const Partition& partition, std::string_view prefix,
                                         std::string_view from, size_t page_size) const {
  RETURN_IF_ERROR(ValidateScan(prefix, from, page_size));
  return database_->ScanData(partition, prefix, from, page_size);
}

Task<absl::StatusOr<CommitResult>> ReadOnlyStore::Commit(CommitRequest /*request*/) { co_return ReadOnly(); }

Task<std::vector<absl::StatusOr<CommitResult>>> ReadOnlyStore::CommitAll(
    std::vector<CommitRequest> requests) {
  co_return std::vector<absl::StatusOr<CommitResult>>(requests.size(), ReadOnly());
}

absl::StatusOr<std::optional<std::string>> ReadOnlyStore::LogGet(LogTable table, std::string_view key) const {
  RETURN_IF_ERROR(ValidateTable(table));
  RETURN_IF_ERROR(ValidateKey(key));
  return database_->LogGet(table, key);
}

absl::StatusOr<std::vector<Store::LogEntry>> ReadOnlyStore::LogScan(LogTable table, std::string_view prefix,
                                                                    std::string_view from,
                                                                    size_t limit) const {
  RETURN_IF_ERROR(ValidateTable(table));
  return database_->LogScan(table, prefix, from, limit);
}

absl::StatusOr<std::optional<Store::LogEntry>> ReadOnlyStore::LogLast(LogTable table) const {
  RETURN_IF_ERROR(ValidateTable(table));
  return database_->LogLast(table);
}

absl::StatusOr<std::vector<Partition>> ReadOnlyStore::ListPartitions(PartitionKind kind, const Id128& from,
                                                                     size_t limit) const {
  return database_->ListPartitions(kind, from, limit);
}

absl::Status ReadOnlyStore::Compact() { return ReadOnly(); }

absl::Status ReadOnlyStore::LogCompact(LogTable /*table*/) { return ReadOnly(); }

absl::Status ReadOnlyStore::failure() const { return latch_->why(); }

}  // namespace relais::storage
