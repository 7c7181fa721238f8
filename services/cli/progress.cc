#include "services/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace relais::cli {
namespace {

constexpr int kBarWidth = 30;
constexpr double kMegabyte = 1e6;
constexpr absl::Duration kBetweenDrawings = absl::Milliseconds(100);
constexpr absl::Duration kBeforeGuessing = absl::Seconds(1);
constexpr char kWipe[] = "\r\x1b[K";

std::string Clockwise(absl::Duration left) {
  const int64_t seconds = std::max<int64_t>(absl::ToInt64Seconds(left), 0);
  return seconds < 3600 ? absl::StrFormat("%d:%02d", seconds / 60, seconds % 60)
                        : absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace

std::string Grouped(uint64_t number) {
  std::string text = absl::StrCat(number);
  for (size_t i = text.size(); i > 3; i -= 3) {
    text.insert(i - 3, ",");
  }
  return text;
}

std::string CountedRows(uint64_t number) { return Grouped(number) + (number == 1 ? " row" : " rows"); }

std::string RenderProgress(const ProgressState& state) {
  std::string out;
  const double seconds = absl::ToDoubleSeconds(state.elapsed);
  const auto rate = static_cast<uint64_t>(seconds > 0 ? static_cast<double>(state.rows) / seconds : 0);
  const double done =
      state.total_bytes == 0
          ? 0
          : std::min(1.0, static_cast<double>(state.bytes) / static_cast<double>(state.total_bytes));
  if (state.total_bytes > 0) {
    const int filled = static_cast<int>(done * kBarWidth);
    absl::StrAppend(&out, "[", std::string(filled, '#'), std::string(kBarWidth - filled, ' '), "] ",
                    static_cast<int>(done * 100), "%  ");
  }
  double here = done;  // of the whole, in the time that elapsed
  if (state.unit == ProgressUnit::kBytes) {
    const auto moved = static_cast<double>(state.bytes - std::min(state.bytes, state.bytes_before));
    here = state.total_bytes == 0 ? 0 : moved / static_cast<double>(state.total_bytes);
    absl::StrAppend(&out, absl::StrFormat("%.1f MB  %.1f MB/s", static_cast<double>(state.bytes) / kMegabyte,
                                          seconds > 0 ? moved / kMegabyte / seconds : 0));
  } else {
    absl::StrAppend(&out, Grouped(state.rows), " rows  ", Grouped(rate), "/s");
  }
  if (here > 0 && state.elapsed >= kBeforeGuessing) {
    absl::StrAppend(&out, "  ", Clockwise(state.elapsed * ((1 - done) / here)), " left");
  }
  return out;
}

Progress::Progress(uint64_t total_bytes, bool silent, const Clock& clock, ProgressUnit unit,
                   uint64_t bytes_before)
    : clock_(clock),
      total_bytes_(total_bytes),
      unit_(unit),
      bytes_before_(bytes_before),
      start_(clock.Monotonic()),
      next_(start_ + kBetweenDrawings),
      shown_(!silent && isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (drawn_) {
    std::fputs(kWipe, stderr);
    std::fflush(stderr);
  }
}

void Progress::Update(uint64_t rows, uint64_t bytes) {
  if (!shown_ || clock_.Monotonic() < next_) {
    return;
  }
  next_ = clock_.Monotonic() + kBetweenDrawings;
  drawn_ = true;
  std::fputs((kWipe + RenderProgress({rows, bytes, total_bytes_, elapsed(), unit_, bytes_before_})).c_str(),
             stderr);
  std::fflush(stderr);
}

}  // namespace relais::cli
