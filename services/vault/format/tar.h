// The container of exports: POSIX.1-2001 tar (ustar headers, pax where a name or size needs it), made and
// read as a stream (docs/formats.md, "Vault export"). Constant memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace relais::vault {

inline constexpr size_t kTarBlock = 512;

/// What stands before a file's bytes: one header, or a pax header with its records and then one. Mode 0600,
/// owner 0. `name` is UTF-8 with `/` between parts, 1 to 1,000 bytes, not absolute, without `.`, `..`, empty
/// parts, or control characters: INVALID_ARGUMENT otherwise.
[[nodiscard]] absl::StatusOr<std::string> TarHeader(std::string_view name, uint64_t size,
                                                    absl::Time modified);
/// What stands after them: zeros up to the next block.
[[nodiscard]] std::string TarPadding(uint64_t size);
/// What stands after the last file: two blocks of zeros.
[[nodiscard]] std::string TarEnd();

/// Reads what the functions above make, and refuses all else that tar could hold: links, devices, folders,
/// other pax records, bytes after the end. Not thread-safe.
class TarReader {
 public:
  /// A file begins. An error ends the reading.
  using OnFile = std::function<absl::Status(std::string_view name, uint64_t size)>;
  /// Its bytes, in order.
  using OnData = std::function<absl::Status(std::string_view data)>;

  TarReader(OnFile on_file, OnData on_data) : on_file_(std::move(on_file)), on_data_(std::move(on_data)) {}

  /// DATA_LOSS for what is not such an archive; else what a callback answered. After an error nothing more is
  /// read.
  [[nodiscard]] absl::Status Write(std::string_view bytes);
  /// DATA_LOSS when the archive is cut.
  [[nodiscard]] absl::Status Finish();

 private:
  absl::Status TakeBlock(std::string_view block);
  absl::Status TakeHeader(std::string_view block);
  absl::Status TakePax(std::string_view records);

  OnFile on_file_;
  OnData on_data_;
  std::string held_;        // a block that is not whole yet
  uint64_t data_left_ = 0;  // of the file or the pax records
  bool in_pax_ = false;
  std::string pax_;       // records as far as they are there
  std::string pax_name_;  // for the next header; empty: none
  uint64_t pax_size_ = 0;
  bool has_pax_size_ = false;
  int zero_blocks_ = 0;
  bool failed_ = false;
};

}  // namespace relais::vault
