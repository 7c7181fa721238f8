#include "tests/bench/bulk_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "common/base/status.h"
#include "common/storage/validate.h"
#include "common/storage/value_format.h"

namespace relais::bench {
namespace {

absl::Status OnlyTakes() { return absl::UnimplementedError("this store only takes"); }

}  // namespace

BulkStore::Rows BulkStore::Take() {
  std::lock_guard lock(mu_);
  return std::exchange(rows_, Rows());
}

uint64_t BulkStore::last_version() const {
  std::lock_guard lock(mu_);
  return last_version_;
}

absl::StatusOr<std::optional<storage::Entry>> BulkStore::Get(const storage::Partition& partition,
                                                             std::string_view key) const {
  RETURN_IF_ERROR(storage::ValidateKey(key));
  const std::string encoded = storage::EncodeDataKey(partition, key);
  std::lock_guard lock(mu_);
  const auto found = rows_.data.find(encoded);
  return found == rows_.data.end() ? std::nullopt : std::optional(found->second);
}

absl::StatusOr<std::vector<std::optional<storage::Entry>>> BulkStore::MultiGet(
    const std::vector<Address>& addresses) const {
  std::vector<std::optional<storage::Entry>> entries;
  for (const Address& address : addresses) {
    ASSIGN_OR_RETURN(std::optional<storage::Entry> entry, Get(address.partition, address.key));
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::StatusOr<storage::Page> BulkStore::Scan(const storage::Partition& partition, std::string_view prefix,
                                              std::string_view from, size_t page_size) const {
  const std::string before = storage::EncodeDataKey(partition, "");
  const std::string first = storage::EncodeDataKey(partition, std::max(prefix, from));
  const std::string within = storage::EncodeDataKey(partition, prefix);
  storage::Page page;
  std::lock_guard lock(mu_);
  for (auto row = rows_.data.lower_bound(first);
       row != rows_.data.end() && absl::StartsWith(row->first, within); ++row) {
    if (page.entries.size() == page_size) {
      page.next = row->first.substr(before.size());
      break;
    }
    page.entries.push_back({row->first.substr(before.size()), row->second});
  }
  return page;
}

absl::StatusOr<storage::CommitResult> BulkStore::Apply(storage::CommitRequest request) {
  RETURN_IF_ERROR(storage::ValidateCommit(request));
  std::lock_guard lock(mu_);
  for (const storage::Precondition& precondition : request.preconditions) {
    const auto found = rows_.data.find(storage::EncodeDataKey(request.partition, precondition.key));
    const bool holds = precondition.version.has_value()
                           ? found != rows_.data.end() && found->second.version == *precondition.version
                           : found == rows_.data.end();
    if (!holds) {
      return absl::AbortedError("a precondition did not hold");
    }
  }
  storage::CommitResult result;
  for (storage::Mutation& mutation : request.batch) {
    if (!mutation.value) {
      return OnlyTakes();
    }
  }
  result.version = ++last_version_;
  for (storage::Mutation& mutation : request.batch) {
    rows_.data.insert_or_assign(storage::EncodeDataKey(request.partition, mutation.key),
                                storage::Entry{*std::move(mutation.value), result.version});
  }
  result.leaves = sequencer_.Stage(std::move(request.leaves), rows_.log);
  sequencer_.Committed();
  return result;
}

Task<absl::StatusOr<storage::CommitResult>> BulkStore::Commit(storage::CommitRequest request) {
  co_return Apply(std::move(request));
}

Task<std::vector<absl::StatusOr<storage::CommitResult>>> BulkStore::CommitAll(
    std::vector<storage::CommitRequest> requests) {
  std::vector<absl::StatusOr<storage::CommitResult>> results;
  results.reserve(requests.size());
  for (storage::CommitRequest& request : requests) {
    results.push_back(Apply(std::move(request)));
  }
  co_return results;
}

absl::StatusOr<std::optional<std::string>> BulkStore::LogGet(storage::LogTable /*table*/,
                                                             std::string_view /*key*/) const {
  return OnlyTakes();
}

absl::StatusOr<std::vector<storage::Store::LogEntry>> BulkStore::LogScan(storage::LogTable /*table*/,
                                                                         std::string_view /*prefix*/,
                                                                         std::string_view /*from*/,
                                                                         size_t /*limit*/) const {
  return OnlyTakes();
}

absl::StatusOr<std::optional<storage::Store::LogEntry>> BulkStore::LogLast(
    storage::LogTable /*table*/) const {
  return OnlyTakes();
}

absl::StatusOr<std::vector<storage::Partition>> BulkStore::ListPartitions(storage::PartitionKind /*kind*/,
                                                                          const Id128& /*from*/,
                                                                          size_t /*limit*/) const {
  return OnlyTakes();
}

absl::Status BulkStore::LogCompact(storage::LogTable /*table*/) { return OnlyTakes(); }

absl::Status BulkStore::Compact() { return OnlyTakes(); }

}  // namespace relais::bench
