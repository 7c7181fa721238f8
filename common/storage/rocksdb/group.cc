#include "common/storage/rocksdb/group.h"

#include <array>
#include <utility>

#include "common/base/status.h"
#include "common/storage/value_format.h"

namespace relais::storage {

absl::Status GroupWriter::Run(const std::vector<Item>& items) {
  batch_.Clear();
  Prefetch(items);
  size_t staged = 0;
  absl::Status status = Decide(items, &staged);
  if (status.ok() && staged > 0) {
    database_.PutVersion(batch_, last_version_);
    status = database_.Write(batch_, fsync_);
  }
  if (!status.ok()) {
    if (staged > 0) {
      sequencer_.Abandoned();
    }
    return status;
  }
  if (staged > 0) {
    sequencer_.Committed();
  }
  versions_.Trim();
  return absl::OkStatus();
}

// One MultiGet for all the keys of the group that are not known yet.
void GroupWriter::Prefetch(const std::vector<Item>& items) {
  keys_.clear();
  for (const Item& item : items) {
    for (const Precondition& precondition : item.request->preconditions) {
      keys_.push_back(EncodeDataKey(item.request->partition, precondition.key));
    }
  }
  std::vector<std::string_view> unknown;
  for (const std::string& key : keys_) {
    if (versions_.Find(key) == nullptr) {
      unknown.push_back(key);
    }
  }
  if (unknown.size() < 2) {
    return;
  }
  for (const Database::Version& found : database_.ReadableVersions(unknown)) {
    versions_.Put(std::string(unknown[found.key]), found.version);
  }
}

absl::StatusOr<std::optional<uint64_t>> GroupWriter::CurrentVersion(const std::string& key) {
  if (const std::optional<uint64_t>* known = versions_.Find(key); known != nullptr) {
    return *known;
  }
  ASSIGN_OR_RETURN(const std::optional<Entry> entry, database_.GetData(key));
  std::optional<uint64_t> version;
  if (entry.has_value()) {
    version = entry->version;
  }
  versions_.Put(key, version);
  return version;
}

absl::Status GroupWriter::CheckPreconditions(const CommitRequest& request, const std::string* keys) {
  for (const Precondition& precondition : request.preconditions) {
    ASSIGN_OR_RETURN(const std::optional<uint64_t> current, CurrentVersion(*keys++));
    if (current != precondition.version) {
      return absl::AbortedError("a precondition did not hold");
    }
  }
  return absl::OkStatus();
}

CommitResult GroupWriter::Stage(CommitRequest& request) {
  CommitResult result;
  result.version = ++last_version_;
  const std::string header = EncodeValueHeader(result.version);
  for (Mutation& mutation : request.batch) {
    std::string key = EncodeDataKey(request.partition, mutation.key);
    if (mutation.value.has_value()) {
      // Put together where they are written: a value may be large.
      const rocksdb::Slice whole_key(key);
      const std::array<rocksdb::Slice, 2> value = {rocksdb::Slice(header), rocksdb::Slice(*mutation.value)};
      batch_.Put(database_.DataOf(key), rocksdb::SliceParts(&whole_key, 1),
                 rocksdb::SliceParts(value.data(), 2));
      versions_.Put(std::move(key), result.version);
    } else {
      batch_.Delete(database_.DataOf(key), key);
      versions_.Put(std::move(key), std::nullopt);
    }
  }
  result.leaves = sequencer_.Stage(std::move(request.leaves), rows_);
  for (const LogRow& row : rows_) {
    if (row.value.has_value()) {
      batch_.Put(database_.log(row.table), row.key, *row.value);
    } else {
      batch_.Delete(database_.log(row.table), row.key);
    }
  }
  rows_.clear();  // what their values are shared with is the sequencer's alone
  return result;
}

absl::Status GroupWriter::Decide(const std::vector<Item>& items, size_t* staged) {
  const std::string* keys = keys_.data();
  for (const Item& item : items) {
    absl::Status checked = CheckPreconditions(*item.request, keys);
    keys += item.request->preconditions.size();
    if (checked.ok()) {
      *item.result = Stage(*item.request);
      ++*staged;
    } else if (absl::IsUnavailable(checked)) {
      return checked;
    } else {
      *item.result = checked;
    }
  }
  return absl::OkStatus();
}

}  // namespace relais::storage
