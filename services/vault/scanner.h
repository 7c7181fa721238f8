// Malware (ADR 37): somebody who looks at a text as it goes by and says one word.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/task.h"

namespace relais::vault {

enum class ScanVerdict { kClean, kFound };

/// Thread-safe.
class Scanner {
 public:
  virtual ~Scanner() = default;

  /// The next bytes of the text; an empty string ends it. An error ends the scan with it.
  using NextBytes = std::function<absl::StatusOr<std::string>()>;
  /// UNAVAILABLE when the scanner cannot be reached, does not answer in time, or says anything but a verdict
  /// (it may have a limit of size): then nothing is known. What it found is not told further.
  virtual Task<absl::StatusOr<ScanVerdict>> Scan(NextBytes next) const = 0;
};

}  // namespace relais::vault
