// The bytes of a paper that is deposited: a file, or what comes on standard input.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace relais::cli {

/// Of a paper on standard input, at most: far more than a vault takes, and no full disk.
inline constexpr uint64_t kMostSpooled = uint64_t{16} << 30U;

/// Read once for its size and hash, then from any place as often as a stream breaks. Not thread-safe.
///
/// What comes on standard input, or through a pipe with a name, is kept meanwhile in a file without a name in
/// TMPDIR, else /tmp, which its owner alone may read: nothing is left of it once the process is gone, however
/// it ends. Its blocks are not overwritten: whoever reads the raw disk is kept out by encrypting it, as for
/// the paper's own file.
class PaperSource {
 public:
  /// "-": standard input, to its end. INVALID_ARGUMENT says what cannot be read, or that it is a terminal.
  static absl::StatusOr<PaperSource> Open(const std::string& path);
  /// What comes from a descriptor, at most `most` bytes, which is not closed: Open of "-" on any.
  static absl::StatusOr<PaperSource> Spool(int from, uint64_t most = kMostSpooled);
  ~PaperSource();
  PaperSource(PaperSource&& other) noexcept;
  PaperSource& operator=(PaperSource&&) = delete;

  [[nodiscard]] uint64_t size() const { return size_; }
  /// 32 bytes.
  [[nodiscard]] const std::string& sha256() const { return sha256_; }
  /// The next Read begins there. False when the file has become shorter.
  bool SeekTo(uint64_t offset);
  /// Up to `most` bytes; false at the end, or when they cannot be read.
  bool Read(size_t most, std::string& piece);

 private:
  explicit PaperSource(int fd) : fd_(fd) {}

  int fd_;
  uint64_t at_ = 0;
  uint64_t size_ = 0;
  std::string sha256_;
};

}  // namespace relais::cli
