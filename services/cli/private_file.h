// A file of hers on the way: written piece by piece, readable by its owner alone, renamed once it is whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::cli {

/// `<path>.partial`, mode 0600. Not thread-safe. INVALID_ARGUMENT names the file.
class PrivateFile {
 public:
  /// Begins anew, whatever was there.
  static absl::StatusOr<PrivateFile> Begin(const std::string& path);
  /// Goes on after what is there; empty when nothing is.
  static absl::StatusOr<PrivateFile> GoOn(const std::string& path);
  ~PrivateFile();
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&&) = delete;

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] const std::string& partial() const { return partial_; }
  absl::Status Write(std::string_view data);
  /// Synced and under its own name. Nothing may follow.
  absl::Status Finish();
  /// Nothing is left of it.
  void Remove();

 private:
  PrivateFile(std::string path, int fd, uint64_t size);
  static absl::StatusOr<PrivateFile> Open(const std::string& path, int flags);

  std::string path_;
  std::string partial_;
  int fd_;
  uint64_t size_;
};

}  // namespace relais::cli
