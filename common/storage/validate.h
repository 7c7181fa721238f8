// The bounds of the storage contract, checked the same way by every backend before anything else. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "common/storage/store.h"

namespace relais::storage {

inline constexpr size_t kMaxKeyBytes = 512;
inline constexpr size_t kMaxValueBytes = size_t{1} << 20;
/// Of mutations, of preconditions, of leaves and of a leaf's rows in one commit.
inline constexpr size_t kMaxItemsPerCommit = 4096;
/// Keys, values and leaves of one commit together.
inline constexpr size_t kMaxCommitBytes = size_t{8} << 20;
inline constexpr size_t kMaxPageSize = 1000;
/// A page or a log scan ends once it holds this much; it holds at least one entry if there is one.
inline constexpr size_t kMaxPageBytes = size_t{4} << 20;
inline constexpr size_t kSubjectBytes = 17;

/// A key within a partition or a log table: 1 to kMaxKeyBytes.
[[nodiscard]] absl::Status ValidateKey(std::string_view key);
[[nodiscard]] absl::Status ValidateTable(LogTable table);
[[nodiscard]] absl::Status ValidateScan(std::string_view prefix, std::string_view from, size_t page_size);
/// INVALID_ARGUMENT: a key, value or batch out of bounds, or a key named twice in the batch or twice in the
/// preconditions. The message names the rule broken and quotes no content.
[[nodiscard]] absl::Status ValidateCommit(const CommitRequest& request);

/// What a commit weighs in queues and groups: its keys, values and leaves.
[[nodiscard]] size_t CommitBytes(const CommitRequest& request);

}  // namespace relais::storage
