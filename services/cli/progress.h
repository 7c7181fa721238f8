// A progress bar on stderr: rows, rate, time left.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace relais::cli {

struct ProgressState {
  uint64_t rows = 0;
  uint64_t bytes = 0;        // of the file, read so far
  uint64_t total_bytes = 0;  // 0: not known
  absl::Duration elapsed;
};

/// One line without its end: "[#####     ] 48%  12,000 rows  9,800/s  0:13 left". Pure.
[[nodiscard]] std::string RenderProgress(const ProgressState& state);
/// "12,345"
[[nodiscard]] std::string Grouped(uint64_t number);
/// "1 row", "60,000 rows".
[[nodiscard]] std::string CountedRows(uint64_t number);

/// Draws at most ten times a second, and only when stderr is a terminal and nobody asked for silence.
class Progress {
 public:
  Progress(uint64_t total_bytes, bool silent, const Clock& clock);
  /// Wipes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(uint64_t rows, uint64_t bytes);
  [[nodiscard]] absl::Duration elapsed() const { return clock_.Monotonic() - start_; }

 private:
  const Clock& clock_;
  const uint64_t total_bytes_;
  const absl::Duration start_;
  absl::Duration next_;
  bool shown_;
  bool drawn_ = false;
};

}  // namespace relais::cli
