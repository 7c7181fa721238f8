#include "common/feeds/byte_window.h"

#include <algorithm>

#include "common/base/status.h"

namespace relais::feeds::internal {
namespace {

constexpr size_t kChunk = size_t{256} * 1024;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/// Length of the blank line at the start of `view`, its LF included; 0 if the line is not blank. `known` is
/// false when more bytes are needed to tell.
size_t BlankLine(std::string_view view, bool at_end, std::string_view no_break_space, bool& known) {
  known = true;
  size_t i = 0;
  while (i < view.size()) {
    const char c = view[i];
    if (c == '\n') return i + 1;
    if (IsBlank(c)) {
      ++i;
    } else if (view.substr(i).starts_with(no_break_space)) {
      i += no_break_space.size();
    } else {
      // A no-break space may be cut by the end of what has been read.
      known = at_end || !no_break_space.starts_with(view.substr(i));
      return 0;
    }
  }
  known = at_end;
  return at_end ? i : 0;
}

/// Consumes the line at the start of the window, holding none of it; whether it was blank to its end.
absl::StatusOr<bool> ConsumeBlankLine(ByteWindow& window, std::string_view no_break_space) {
  for (;;) {
    const std::string_view view = window.view();
    size_t i = 0;
    while (i < view.size() && (IsBlank(view[i]) || view.substr(i).starts_with(no_break_space))) {
      i += IsBlank(view[i]) ? 1 : no_break_space.size();
    }
    if (i < view.size() && view[i] == '\n') {
      window.Consume(i + 1);
      return true;
    }
    const bool cut = !window.at_end() && no_break_space.starts_with(view.substr(i));
    if (i < view.size() && !cut) {
      RETURN_IF_ERROR(window.ConsumeLine());
      return false;
    }
    window.Consume(i);
    if (window.at_end()) return true;
    RETURN_IF_ERROR(window.Grow());
  }
}

}  // namespace

absl::Status ByteWindow::Grow() {
  if (at_end_) return absl::OkStatus();
  buffer_.erase(0, start_);
  start_ = 0;
  const size_t before = buffer_.size();
  buffer_.resize(before + kChunk);
  input_.read(buffer_.data() + before, static_cast<std::streamsize>(kChunk));
  const auto got = static_cast<size_t>(input_.gcount());
  buffer_.resize(before + got);
  if (input_.bad()) return absl::UnavailableError("the file cannot be read");
  at_end_ = got < kChunk;
  return absl::OkStatus();
}

void ByteWindow::Consume(size_t count) {
  start_ += count;
  consumed_ += count;
}

absl::Status ByteWindow::ConsumeLine() {
  for (;;) {
    const size_t newline = view().find('\n');
    if (newline != std::string_view::npos) {
      Consume(newline + 1);
      return absl::OkStatus();
    }
    Consume(view().size());
    if (at_end_) return absl::OkStatus();
    RETURN_IF_ERROR(Grow());
  }
}

absl::Status SkipByteOrderMark(ByteWindow& window, bool utf8_allowed) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  RETURN_IF_ERROR(window.Grow());
  const std::string_view view = window.view();
  const bool marked_utf16 = view.starts_with("\xFF\xFE") || view.starts_with("\xFE\xFF");
  const bool looks_utf16 = view.size() >= 2 && (view[0] == '\0') != (view[1] == '\0');
  if (marked_utf16 || looks_utf16) {
    return absl::InvalidArgumentError("the file is in UTF-16; send it in UTF-8");
  }
  if (!view.starts_with(kMark)) return absl::OkStatus();
  if (!utf8_allowed) {
    return absl::InvalidArgumentError(
        "the file begins with a UTF-8 byte order mark: it is not in windows-1252");
  }
  window.Consume(kMark.size());
  return absl::OkStatus();
}

absl::StatusOr<bool> SkipBlankLines(ByteWindow& window, std::string_view no_break_space, size_t longest,
                                    uint64_t& line) {
  for (;;) {
    bool known = false;
    const size_t blank = BlankLine(window.view(), window.at_end(), no_break_space, known);
    if (blank > 0) {
      window.Consume(blank);
      ++line;
    } else if (known) {
      return false;
    } else if (window.view().size() > longest) {
      ASSIGN_OR_RETURN(const bool blank_to_its_end, ConsumeBlankLine(window, no_break_space));
      if (!blank_to_its_end) return true;
      ++line;
    } else {
      RETURN_IF_ERROR(window.Grow());
    }
  }
}

}  // namespace relais::feeds::internal
