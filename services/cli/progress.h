// A progress bar on stderr: rows or megabytes, rate, time left.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace relais::cli {

enum class ProgressUnit { kRows, kBytes };

struct ProgressState {
  uint64_t rows = 0;         // not shown with kBytes
  uint64_t bytes = 0;        // of the file, read so far
  uint64_t total_bytes = 0;  // 0: not known
  absl::Duration elapsed;
  ProgressUnit unit = ProgressUnit::kRows;
  uint64_t bytes_before = 0;  // with kBytes: done before this began, which no rate counts
};

/// One line without its end: "[#####     ] 48%  12,000 rows  9,800/s  0:13 left"; with kBytes
/// "[#####     ] 48%  103.2 MB  51.6 MB/s  0:02 left". Pure.
[[nodiscard]] std::string RenderProgress(const ProgressState& state);
/// "12,345"
[[nodiscard]] std::string Grouped(uint64_t number);
/// "1 row", "60,000 rows".
[[nodiscard]] std::string CountedRows(uint64_t number);

/// Draws at most ten times a second, and only when stderr is a terminal and nobody asked for silence.
class Progress {
 public:
  Progress(uint64_t total_bytes, bool silent, const Clock& clock, ProgressUnit unit = ProgressUnit::kRows,
           uint64_t bytes_before = 0);
  /// Wipes the bar.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(uint64_t rows, uint64_t bytes);
  [[nodiscard]] absl::Duration elapsed() const { return clock_.Monotonic() - start_; }

 private:
  const Clock& clock_;
  const uint64_t total_bytes_;
  const ProgressUnit unit_;
  const uint64_t bytes_before_;
  const absl::Duration start_;
  absl::Duration next_;
  bool shown_;
  bool drawn_ = false;
};

}  // namespace relais::cli
