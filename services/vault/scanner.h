// Malware (ADR 37): somebody who looks at a text as it goes by and says one word.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/task.h"

namespace relais::vault {

/// kNobody: no connection to the scanner came about, so it has seen nothing of the text, and nothing of the
/// text can have brought that about.
enum class ScanVerdict { kClean, kFound, kNobody };

/// Thread-safe.
class Scanner {
 public:
  virtual ~Scanner() = default;

  /// The next bytes of the text; an empty string ends it. An error ends the scan with it.
  using NextBytes = std::function<absl::StatusOr<std::string>()>;
  /// An error when the scanner is there and gives no verdict: not in time or not its turn
  /// (DEADLINE_EXCEEDED), or it says anything else, or ends (RESOURCE_EXHAUSTED: it may have a limit of
  /// size). Then nothing is known, and who sent the text may have brought it about. What it found is not told
  /// further.
  virtual Task<absl::StatusOr<ScanVerdict>> Scan(NextBytes next) const = 0;
};

}  // namespace relais::vault
