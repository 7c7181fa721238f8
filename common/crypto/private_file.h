// Files that only their owner may read, written whole or not at all. Private to common/crypto.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::crypto::internal {

/// The file's bytes. NOT_FOUND; PERMISSION_DENIED when the group or the world has any right on it; DATA_LOSS
/// when it is longer than `max_size`; UNAVAILABLE when the file system fails.
[[nodiscard]] absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, size_t max_size);

/// A new file of mode 0600, durable on OK. ALREADY_EXISTS; UNAVAILABLE when the file system fails.
[[nodiscard]] absl::Status CreatePrivateFile(const std::string& path, std::string_view content);

/// Replaces an existing file, durably on OK, and overwrites the replaced file's bytes with zeros. After a
/// failure the path holds the old content or the new.
[[nodiscard]] absl::Status ReplacePrivateFile(const std::string& path, std::string_view content);

/// A lock between processes on the folder that holds `path`; waits for it. Released when destroyed.
class FolderLock {
 public:
  enum Mode { kShared, kExclusive };
  [[nodiscard]] static absl::StatusOr<FolderLock> Take(const std::string& path, Mode mode);
  FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace relais::crypto::internal
