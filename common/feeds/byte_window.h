// A window over the unread part of a stream, that grows on demand. Not for users of the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::feeds::internal {

class ByteWindow {
 public:
  explicit ByteWindow(std::istream& input) : input_(input) {}

  /// What has been read and not consumed; valid until Grow or Consume.
  [[nodiscard]] std::string_view view() const { return std::string_view(buffer_).substr(start_); }
  /// Nothing is left in the stream beyond the view.
  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] uint64_t consumed() const { return consumed_; }

  /// Reads one more chunk. UNAVAILABLE when the stream fails.
  absl::Status Grow();
  /// `count` <= view().size().
  void Consume(size_t count);
  /// Consumes up to and including the next LF, or to the end.
  absl::Status ConsumeLine();

 private:
  std::istream& input_;
  std::string buffer_;
  size_t start_ = 0;
  uint64_t consumed_ = 0;
  bool at_end_ = false;
};

/// Skips a UTF-8 byte order mark. INVALID_ARGUMENT for UTF-16, or for the mark when `utf8_allowed` is false.
absl::Status SkipByteOrderMark(ByteWindow& window, bool utf8_allowed);

/// Consumes blank lines (spaces, no-break spaces, tabs), however long, and adds them to `line`. True: the
/// line after them, not counted, had more than `longest` blank bytes before anything else, and is consumed
/// too: a row that is too long.
absl::StatusOr<bool> SkipBlankLines(ByteWindow& window, std::string_view no_break_space, size_t longest,
                                    uint64_t& line);

}  // namespace relais::feeds::internal
