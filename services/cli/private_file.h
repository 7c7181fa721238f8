// A file of hers on the way: written piece by piece, readable by its owner alone, renamed once it is whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::cli {

/// `<path>.partial`, mode 0600; of "-", standard output, a file without a name in TMPDIR, else /tmp, so that
/// nothing of it comes out before it is whole. Not thread-safe. INVALID_ARGUMENT names the file.
class PrivateFile {
 public:
  /// Begins anew, whatever was there. INVALID_ARGUMENT for "-" when that is a terminal.
  static absl::StatusOr<PrivateFile> Begin(const std::string& path);
  /// What is written comes out of a descriptor, which is not closed: Begin of "-" on any.
  static absl::StatusOr<PrivateFile> Spool(int to);
  /// Goes on after what is there; empty when nothing is. INVALID_ARGUMENT for "-": nothing of that is there.
  static absl::StatusOr<PrivateFile> GoOn(const std::string& path);
  ~PrivateFile();
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&&) = delete;

  [[nodiscard]] uint64_t size() const { return size_; }
  /// Empty of a spooled one.
  [[nodiscard]] const std::string& partial() const { return partial_; }
  absl::Status Write(std::string_view data);
  /// Synced and under its own name, or gone out. Nothing may follow.
  absl::Status Finish();
  /// Nothing is left of it.
  void Remove();

 private:
  PrivateFile(std::string path, std::string partial, int fd);
  absl::Status GoOut();
  static absl::StatusOr<PrivateFile> Open(const std::string& path, int flags);

  std::string path_;
  std::string partial_;
  int fd_;
  int to_ = -1;  // of a spooled one: where it goes
  uint64_t size_ = 0;
};

}  // namespace relais::cli
