// What the log remembers of itself: rows of LogTable::kMeta. Pure.
//
//   "signers"   0x01 | the C2SP verifier keys that signed at the last start, each ended by a newline
//
// and those of maintenance and of a log that goes on after a loss (meta_rows.h; docs/formats.md, "Log
// tables").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::audit {

inline constexpr std::string_view kMetaSigners = "signers";

[[nodiscard]] std::string EncodeSigners(const std::vector<std::string>& keys);
/// DATA_LOSS unless EncodeSigners wrote it and every key is one.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> DecodeSigners(std::string_view value);

/// OK, or what is wrong with a row of the table: an unknown key included.
[[nodiscard]] absl::Status CheckMetaRow(std::string_view key, std::string_view value);

}  // namespace relais::audit
