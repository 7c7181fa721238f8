#include "common/storage/memory/memory_store.h"

#include <utility>

#include "common/base/status.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::storage {
namespace {

absl::StatusOr<Entry> ToEntry(std::string_view bytes) {
  ASSIGN_OR_RETURN(const StoredValue stored, DecodeValue(bytes));
  return Entry{.value = std::string(stored.payload), .version = stored.version};
}

struct Submission {
  MemoryWriter& writer;
  MemoryWriter::Ticket& ticket;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) const {
    ticket.waiter = waiter;
    return writer.Submit(&ticket);
  }
  void await_resume() const noexcept {}
};

Task<std::vector<absl::StatusOr<CommitResult>>> Submit(std::shared_ptr<MemoryWriter> writer,
                                                       std::vector<CommitRequest> requests) {
  MemoryWriter::Ticket ticket;
  ticket.requests = std::move(requests);
  const Submission submission{*writer, ticket};
  co_await submission;
  co_return std::move(ticket.results);
}

}  // namespace

MemoryStore::MemoryStore(std::shared_ptr<MemoryDisk> disk, Executor& executor, Sequencer& sequencer,
                         Options options)
    : disk_(std::move(disk)),
      writer_(std::make_shared<MemoryWriter>(
          disk_, executor, sequencer,
          MemoryWriter::Options{std::move(options.commit_delay), std::move(options.crash_at),
                                options.strict})) {}

MemoryStore::~MemoryStore() { writer_->Kill(); }

void MemoryStore::Kill() { writer_->Kill(); }

absl::Status MemoryStore::failure() const { return writer_->failure(); }

absl::StatusOr<std::optional<Entry>> MemoryStore::Get(const Partition& partition,
                                                      std::string_view key) const {
  RETURN_IF_ERROR(failure());
  RETURN_IF_ERROR(ValidateKey(key));
  const std::optional<std::string> bytes = disk_->Data(EncodeDataKey(partition, key));
  if (!bytes.has_value()) {
    return std::optional<Entry>();
  }
  ASSIGN_OR_RETURN(Entry entry, ToEntry(*bytes));
  return std::optional<Entry>(std::move(entry));
}

absl::StatusOr<std::vector<std::optional<Entry>>> MemoryStore::MultiGet(
    const std::vector<Address>& addresses) const {
  std::vector<std::optional<Entry>> found;
  found.reserve(addresses.size());
  RETURN_IF_ERROR(failure());
  for (const Address& address : addresses) {
    ASSIGN_OR_RETURN(std::optional<Entry> entry, Get(address.partition, address.key));
    found.push_back(std::move(entry));
  }
  return found;
}

absl::StatusOr<Page> MemoryStore::Scan(const Partition& partition, std::string_view prefix,
                                       std::string_view from, size_t page_size) const {
  RETURN_IF_ERROR(failure());
  RETURN_IF_ERROR(ValidateScan(prefix, from, page_size));
  const MemoryDisk::Rows found =
      disk_->ScanData(EncodeDataKey(partition, prefix), EncodeDataKey(partition, from), page_size);
  Page page;
  for (const auto& [key, value] : found.rows) {
    ASSIGN_OR_RETURN(Entry entry, ToEntry(value));
    page.entries.push_back({.key = key.substr(Partition::kEncodedSize), .entry = std::move(entry)});
  }
  if (!found.next.empty()) {
    page.next = found.next.substr(Partition::kEncodedSize);
  }
  return page;
}

Task<absl::StatusOr<CommitResult>> MemoryStore::Commit(CommitRequest request) {
  std::vector<CommitRequest> requests;
  requests.push_back(std::move(request));
  std::vector<absl::StatusOr<CommitResult>> results = co_await Submit(writer_, std::move(requests));
  co_return std::move(results.front());
}

Task<std::vector<absl::StatusOr<CommitResult>>> MemoryStore::CommitAll(std::vector<CommitRequest> requests) {
  return Submit(writer_, std::move(requests));
}

absl::StatusOr<std::optional<std::string>> MemoryStore::LogGet(LogTable table, std::string_view key) const {
  RETURN_IF_ERROR(failure());
  RETURN_IF_ERROR(ValidateTable(table));
  RETURN_IF_ERROR(ValidateKey(key));
  return disk_->Log(table, key);
}

absl::StatusOr<std::vector<Store::LogEntry>> MemoryStore::LogScan(LogTable table, std::string_view prefix,
                                                                  std::string_view from, size_t limit) const {
  RETURN_IF_ERROR(failure());
  RETURN_IF_ERROR(ValidateTable(table));
  MemoryDisk::Rows found = disk_->ScanLog(table, prefix, from, limit);
  std::vector<LogEntry> entries;
  for (auto& [key, value] : found.rows) {
    entries.push_back({.key = std::move(key), .value = std::move(value)});
  }
  return entries;
}

absl::StatusOr<std::optional<Store::LogEntry>> MemoryStore::LogLast(LogTable table) const {
  RETURN_IF_ERROR(failure());
  RETURN_IF_ERROR(ValidateTable(table));
  std::optional<MemoryDisk::Row> last = disk_->LastLog(table);
  if (!last.has_value()) {
    return std::optional<LogEntry>();
  }
  return std::optional<LogEntry>({.key = std::move(last->first), .value = std::move(last->second)});
}

absl::StatusOr<std::vector<Partition>> MemoryStore::ListPartitions(PartitionKind kind, const Id128& from,
                                                                   size_t limit) const {
  RETURN_IF_ERROR(failure());
  const std::string prefix(1, static_cast<char>(kind));
  std::string next = Partition{kind, from}.Encode();
  std::vector<Partition> partitions;
  while (partitions.size() < limit) {
    const MemoryDisk::Rows found = disk_->ScanData(prefix, next, 1);
    if (found.rows.empty()) {
      break;
    }
    const std::string_view key = found.rows.front().first;
    ASSIGN_OR_RETURN(const Id128 id, Id128::FromBytes(key.substr(1, Id128::kSize)));
    partitions.push_back({kind, id});
    next = PrefixEnd(key.substr(0, Partition::kEncodedSize));
  }
  return partitions;
}

absl::Status MemoryStore::LogCompact(LogTable table) {
  RETURN_IF_ERROR(failure());
  return ValidateTable(table);
}

}  // namespace relais::storage
