// The CSV half of reader.h. Not for users of the library.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/feeds/byte_window.h"
#include "common/feeds/reader.h"

namespace relais::feeds::internal {

/// Longest record, in bytes of the file, without its line end.
inline constexpr size_t kMaxCsvRecord = size_t{1024} * 1024;

/// Reads the header; see OpenFeed.
absl::StatusOr<std::unique_ptr<RowReader>> OpenCsv(std::istream& input, Encoding encoding);
absl::StatusOr<std::unique_ptr<RowReader>> OpenNdjson(std::istream& input, Encoding encoding);

[[nodiscard]] inline std::string_view NoBreakSpace(Encoding encoding) {
  return encoding == Encoding::kUtf8 ? "\xC2\xA0" : "\xA0";
}

}  // namespace relais::feeds::internal
