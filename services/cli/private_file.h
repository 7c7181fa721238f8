// A file of hers on the way: written piece by piece, readable by its owner alone, renamed once it is whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::cli {

/// `<path><mark>.partial`, mode 0600, where `mark` says of what it is a part; of "-", standard output, a file
/// without a name in TMPDIR, else /tmp, so that nothing of it comes out before it is whole. A process that is
/// killed leaves the one with a name. While one lives no other, of any process, begins or goes on with the
/// same, where the file system has flock(2). Not thread-safe. INVALID_ARGUMENT names the file.
class PrivateFile {
 public:
  /// What Finish may write over.
  enum class Over { kWhatIsThere, kNothing };

  /// Begins anew, whatever was there. INVALID_ARGUMENT for "-" when that is a terminal.
  static absl::StatusOr<PrivateFile> Begin(const std::string& path, const std::string& mark = "");
  /// What is written comes out of a descriptor, which is not closed: Begin of "-" on any.
  static absl::StatusOr<PrivateFile> Spool(int to);
  /// Goes on after what is there; empty when nothing is. INVALID_ARGUMENT for "-": nothing of that is there.
  static absl::StatusOr<PrivateFile> GoOn(const std::string& path, const std::string& mark = "");
  /// Where what Begin and GoOn write lies until it has its name.
  static std::string PartialOf(const std::string& path, const std::string& mark = "") {
    return path + mark + ".partial";
  }
  ~PrivateFile();
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&&) = delete;

  [[nodiscard]] uint64_t size() const { return size_; }
  /// Empty of a spooled one.
  [[nodiscard]] const std::string& partial() const { return partial_; }
  absl::Status Write(std::string_view data);
  /// All but the first `size` bytes, of which there are more, go away.
  absl::Status CutTo(uint64_t size);
  /// What was written is on the disk; nothing is done of a spooled one. More may follow.
  absl::Status Sync();
  /// Synced and under its own name, which stays after a crash, or gone out. But Remove nothing may follow.
  absl::Status Finish(Over over = Over::kWhatIsThere);
  /// Nothing is left of it, under neither name; of what went out nothing is changed.
  void Remove();

 private:
  PrivateFile(std::string path, std::string partial, int fd);
  absl::Status GoOut();
  absl::Status Lock();
  // Whether what has this name is this file.
  [[nodiscard]] bool IsAt(const std::string& path) const;
  static absl::StatusOr<PrivateFile> Open(const std::string& path, const std::string& mark);

  std::string path_;
  std::string partial_;
  int fd_;
  int to_ = -1;  // of a spooled one: where it goes
  bool synced_ = false;
  uint64_t size_ = 0;
};

}  // namespace relais::cli
