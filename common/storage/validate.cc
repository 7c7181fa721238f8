#include "common/storage/validate.h"

#include <algorithm>
#include <vector>

#include "common/base/status.h"

namespace relais::storage {
namespace {

absl::Status CheckDistinct(std::vector<std::string_view> keys) {
  std::sort(keys.begin(), keys.end());
  if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) {
    return absl::InvalidArgumentError("a key is named twice in one commit");
  }
  return absl::OkStatus();
}

template <typename Optional>
absl::Status CheckValue(const Optional& value) {
  if (value.has_value() && value->size() > kMaxValueBytes) {
    return absl::InvalidArgumentError("a value is longer than 1 MiB");
  }
  return absl::OkStatus();
}

absl::Status CheckBatch(const std::vector<Mutation>& batch) {
  std::vector<std::string_view> keys;
  keys.reserve(batch.size());
  for (const Mutation& mutation : batch) {
    RETURN_IF_ERROR(ValidateKey(mutation.key));
    RETURN_IF_ERROR(CheckValue(mutation.value));
    keys.push_back(mutation.key);
  }
  return CheckDistinct(std::move(keys));
}

absl::Status CheckPreconditions(const std::vector<Precondition>& preconditions) {
  std::vector<std::string_view> keys;
  keys.reserve(preconditions.size());
  for (const Precondition& precondition : preconditions) {
    RETURN_IF_ERROR(ValidateKey(precondition.key));
    keys.push_back(precondition.key);
  }
  return CheckDistinct(std::move(keys));
}

absl::Status CheckLeaf(const LeafDraft& leaf) {
  if (leaf.bytes.size() > kMaxValueBytes) {
    return absl::InvalidArgumentError("a leaf is longer than 1 MiB");
  }
  if (!leaf.subject.empty() && leaf.subject.size() != kSubjectBytes) {
    return absl::InvalidArgumentError("a leaf's subject is not 17 bytes");
  }
  if (leaf.rows.size() > kMaxItemsPerCommit) {
    return absl::InvalidArgumentError("a leaf has too many rows");
  }
  for (const LogRow& row : leaf.rows) {
    RETURN_IF_ERROR(ValidateTable(row.table));
    RETURN_IF_ERROR(ValidateKey(row.key));
    RETURN_IF_ERROR(CheckValue(row.value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateKey(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes) {
    return absl::InvalidArgumentError("a key is not 1 to 512 bytes");
  }
  return absl::OkStatus();
}

absl::Status ValidateTable(LogTable table) {
  if (static_cast<int>(table) >= kLogTables) {
    return absl::InvalidArgumentError("no such log table");
  }
  return absl::OkStatus();
}

absl::Status ValidateScan(std::string_view prefix, std::string_view from, size_t page_size) {
  if (prefix.size() > kMaxKeyBytes || from.size() > kMaxKeyBytes) {
    return absl::InvalidArgumentError("a scan's bound is longer than a key");
  }
  if (page_size == 0 || page_size > kMaxPageSize) {
    return absl::InvalidArgumentError("a page holds 1 to 1000 entries");
  }
  return absl::OkStatus();
}

absl::Status ValidateCommit(const CommitRequest& request) {
  if (request.batch.size() > kMaxItemsPerCommit || request.preconditions.size() > kMaxItemsPerCommit ||
      request.leaves.size() > kMaxItemsPerCommit) {
    return absl::InvalidArgumentError("a commit has more than 4096 mutations, preconditions or leaves");
  }
  RETURN_IF_ERROR(CheckBatch(request.batch));
  RETURN_IF_ERROR(CheckPreconditions(request.preconditions));
  for (const LeafDraft& leaf : request.leaves) {
    RETURN_IF_ERROR(CheckLeaf(leaf));
  }
  if (CommitBytes(request) > kMaxCommitBytes) {
    return absl::InvalidArgumentError("a commit is larger than 8 MiB");
  }
  return absl::OkStatus();
}

size_t CommitBytes(const CommitRequest& request) {
  size_t bytes = 0;
  for (const Mutation& mutation : request.batch) {
    bytes += mutation.key.size() + (mutation.value.has_value() ? mutation.value->size() : 0);
  }
  for (const Precondition& precondition : request.preconditions) {
    bytes += precondition.key.size();
  }
  for (const LeafDraft& leaf : request.leaves) {
    bytes += leaf.bytes.size() + leaf.subject.size();
    for (const LogRow& row : leaf.rows) {
      bytes += row.key.size() + (row.value.has_value() ? row.value->size() : 0);
    }
  }
  return bytes;
}

}  // namespace relais::storage
