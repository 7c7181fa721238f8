#include "common/storage/rocksdb/group.h"

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
  std::vector<std::string> unknown;
  for (const Item& item : items) {
    for (const Precondition& precondition : item.request->preconditions) {
      std::string key = EncodeDataKey(item.request->partition, precondition.key);
      if (versions_.Find(key) == nullptr) {
        unknown.push_back(std::move(key));
      }
    }
  }
  if (unknown.size() < 2) {
    return;
  }
  for (const Database::Version& found : database_.ReadableVersions(unknown)) {
    versions_.Put(unknown[found.key], found.version);
  }
}

absl::StatusOr<std::optional<uint64_t>> GroupWriter::CurrentVersion(std::string key) {
  if (const std::optional<uint64_t>* known = versions_.Find(key); known != nullptr) {
    return *known;
  }
  ASSIGN_OR_RETURN(const std::optional<Entry> entry, database_.GetData(key));
  std::optional<uint64_t> version;
  if (entry.has_value()) {
    version = entry->version;
  }
  versions_.Put(std::move(key), version);
  return version;
}

absl::Status GroupWriter::CheckPreconditions(const CommitRequest& request) {
  for (const Precondition& precondition : request.preconditions) {
    ASSIGN_OR_RETURN(const std::optional<uint64_t> current,
                     CurrentVersion(EncodeDataKey(request.partition, precondition.key)));
    if (current != precondition.version) {
      return absl::AbortedError("a precondition did not hold");
    }
  }
  return absl::OkStatus();
}

CommitResult GroupWriter::Stage(CommitRequest& request) {
  CommitResult result;
  result.version = ++last_version_;
  for (Mutation& mutation : request.batch) {
    std::string key = EncodeDataKey(request.partition, mutation.key);
    if (mutation.value.has_value()) {
      batch_.Put(database_.data(), key, EncodeValue(result.version, *mutation.value));
      versions_.Put(std::move(key), result.version);
    } else {
      batch_.Delete(database_.data(), key);
      versions_.Put(std::move(key), std::nullopt);
    }
  }
  rows_.clear();
  result.leaves = sequencer_.Stage(std::move(request.leaves), rows_);
  for (const LogRow& row : rows_) {
    if (row.value.has_value()) {
      batch_.Put(database_.log(row.table), row.key, *row.value);
    } else {
      batch_.Delete(database_.log(row.table), row.key);
    }
  }
  return result;
}

absl::Status GroupWriter::Decide(const std::vector<Item>& items, size_t* staged) {
  for (const Item& item : items) {
    absl::Status checked = CheckPreconditions(*item.request);
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
