#include "common/storage/rocksdb/rocksdb_store.h"

#include <mutex>
#include <type_traits>
#include <utility>

#include "common/base/status.h"
#include "common/storage/rocksdb/database.h"
#include "common/storage/rocksdb/failure_latch.h"
#include "common/storage/rocksdb/writer.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

struct Submission {
  Writer& writer;
  Writer::Ticket& ticket;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) const {
    ticket.waiter = waiter;
    return writer.Submit(&ticket);
  }
  void await_resume() const noexcept {}
};

}  // namespace

absl::StatusOr<std::unique_ptr<RocksDbStore>> RocksDbStore::Open(Options options, Executor& executor,
                                                                 Sequencer& sequencer) {
  auto latch =
      std::make_shared<FailureLatch>([&executor, on_failure = options.on_failure](const absl::Status& why) {
        if (on_failure) {
          executor.Post([on_failure, why] { on_failure(why); });
        }
      });
  ASSIGN_OR_RETURN(std::unique_ptr<Database> database, Database::Open(options, latch));
  ASSIGN_OR_RETURN(const uint64_t last_version, database->LastVersion());
  auto writer = std::make_unique<Writer>(*database, executor, sequencer, latch, options, last_version);
  return std::unique_ptr<RocksDbStore>(
      new RocksDbStore(std::move(latch), std::move(database), std::move(writer)));
}

RocksDbStore::RocksDbStore(std::shared_ptr<FailureLatch> latch, std::unique_ptr<Database> database,
                           std::unique_ptr<Writer> writer)
    : latch_(std::move(latch)), database_(std::move(database)), writer_(std::move(writer)) {}

RocksDbStore::~RocksDbStore() { Close(); }

void RocksDbStore::Close() {
  writer_->Stop();
  CancelCompactions();
  std::unique_lock lock(mu_);
  database_.reset();
}

void RocksDbStore::CancelCompactions() {
  std::shared_lock lock(mu_);
  if (database_ != nullptr) {
    database_->CancelCompactions();
  }
}

size_t RocksDbStore::queued() const { return writer_->queued(); }

absl::Status RocksDbStore::failure() const {
  RETURN_IF_ERROR(latch_->why());
  std::shared_lock lock(mu_);
  return database_ == nullptr ? absl::UnavailableError("store is closed") : absl::OkStatus();
}

template <typename Read>
std::invoke_result_t<Read, Database&> RocksDbStore::WithDatabase(Read read) const {
  RETURN_IF_ERROR(latch_->why());
  std::shared_lock lock(mu_);
  if (database_ == nullptr) {
    return absl::UnavailableError("store is closed");
  }
  return read(*database_);
}

absl::StatusOr<std::optional<Entry>> RocksDbStore::Get(const Partition& partition,
                                                       std::string_view key) const {
  RETURN_IF_ERROR(ValidateKey(key));
  return WithDatabase([&](Database& db) { return db.GetData(EncodeDataKey(partition, key)); });
}

absl::StatusOr<bool> RocksDbStore::WithValue(
    const Partition& partition, std::string_view key,
    absl::FunctionRef<absl::Status(std::string_view value)> use) const {
  RETURN_IF_ERROR(ValidateKey(key));
  return WithDatabase([&](Database& db) {
    return db.WithData(EncodeDataKey(partition, key),
                       [use](const StoredValue& stored) { return use(stored.payload); });
  });
}

absl::StatusOr<std::vector<std::optional<Entry>>> RocksDbStore::MultiGet(
    const std::vector<Address>& addresses) const {
  std::vector<std::string> keys;
  keys.reserve(addresses.size());
  for (const Address& address : addresses) {
    RETURN_IF_ERROR(ValidateKey(address.key));
    keys.push_back(EncodeDataKey(address.partition, address.key));
  }
  return WithDatabase([&](Database& db) { return db.MultiGetData(keys); });
}

absl::StatusOr<Page> RocksDbStore::Scan(const Partition& partition, std::string_view prefix,
                                        std::string_view from, size_t page_size) const {
  RETURN_IF_ERROR(ValidateScan(prefix, from, page_size));
  return WithDatabase([&](Database& db) { return db.ScanData(partition, prefix, from, page_size); });
}

absl::StatusOr<Page> RocksDbStore::ScanReadable(const Partition& partition, std::string_view prefix,
                                                std::string_view from, size_t page_size) const {
  RETURN_IF_ERROR(ValidateScan(prefix, from, page_size));
  return WithDatabase([&](Database& db) { return db.ScanReadableData(partition, prefix, from, page_size); });
}

Task<absl::StatusOr<CommitResult>> RocksDbStore::Commit(CommitRequest request) {
  std::vector<CommitRequest> requests;
  requests.push_back(std::move(request));
  Writer::Ticket ticket(std::move(requests));
  const Submission submission{*writer_, ticket};
  co_await submission;
  co_return std::move(*ticket.results.front());
}

Task<std::vector<absl::StatusOr<CommitResult>>> RocksDbStore::CommitAll(std::vector<CommitRequest> requests) {
  Writer::Ticket ticket(std::move(requests));
  const Submission submission{*writer_, ticket};
  co_await submission;
  std::vector<absl::StatusOr<CommitResult>> results;
  results.reserve(ticket.results.size());
  for (GroupWriter::Result& result : ticket.results) {
    results.push_back(std::move(*result));
  }
  co_return results;
}

absl::StatusOr<std::optional<std::string>> RocksDbStore::LogGet(LogTable table, std::string_view key) const {
  RETURN_IF_ERROR(ValidateTable(table));
  RETURN_IF_ERROR(ValidateKey(key));
  return WithDatabase([&](Database& db) { return db.LogGet(table, key); });
}

absl::StatusOr<std::vector<std::optional<std::string>>> RocksDbStore::LogMultiGet(
    LogTable table, const std::vector<std::string>& keys) const {
  RETURN_IF_ERROR(ValidateTable(table));
  for (const std::string& key : keys) {
    RETURN_IF_ERROR(ValidateKey(key));
  }
  return WithDatabase([&](Database& db) { return db.LogMultiGet(table, keys); });
}

absl::StatusOr<std::vector<Store::LogEntry>> RocksDbStore::LogScan(LogTable table, std::string_view prefix,
                                                                   std::string_view from,
                                                                   size_t limit) const {
  RETURN_IF_ERROR(ValidateTable(table));
  return WithDatabase([&](Database& db) { return db.LogScan(table, prefix, from, limit); });
}

absl::StatusOr<std::optional<Store::LogEntry>> RocksDbStore::LogLast(LogTable table) const {
  RETURN_IF_ERROR(ValidateTable(table));
  return WithDatabase([&](Database& db) { return db.LogLast(table); });
}

absl::StatusOr<std::vector<Partition>> RocksDbStore::ListPartitions(PartitionKind kind, const Id128& from,
                                                                    size_t limit) const {
  return WithDatabase([&](Database& db) { return db.ListPartitions(kind, from, limit); });
}

absl::Status RocksDbStore::Compact() {
  return WithDatabase([](Database& db) { return db.Compact(); });
}

absl::StatusOr<BackupInfo> RocksDbStore::Backup(const BackupRequest& request) {
  return WithDatabase([&](Database& db) { return CreateBackup(*db.db(), request); });
}

absl::Status RocksDbStore::LogCompact(LogTable table) {
  RETURN_IF_ERROR(ValidateTable(table));
  return WithDatabase([&](Database& db) { return db.LogCompact(table); });
}

}  // namespace relais::storage
