// What the process ends with: scripts rely on these numbers, so they never change.
#pragma once

#include "absl/status/status.h"

namespace relais::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,         // anything without a number of its own; a check of `audit verify` that failed
  kExitUsage = 2,          // the command line or a field of it is wrong; an input file cannot be read
  kExitFindings = 3,       // `audit check` found something
  kExitRowsRefused = 3,    // the file went through, some of its rows were refused
  kExitFileRefused = 4,    // the file itself was refused, nothing of it was sent
  kExitIncomplete = 5,     // interrupted, or a service was down: some rows have no outcome
  kExitNotPermitted = 6,   // consent does not permit it
  kExitNotFound = 7,       // there is no such thing, or it is not the caller's to see
  kExitUnavailable = 8,    // a service does not answer
  kExitNotAuthorised = 9,  // the certificate, role or function does not allow the call
  kExitAlarm = 10,         // a log was caught: forked, rolled back, altered, or signed by a stranger
};

/// The number for an error of a call (of common/rpc/status_mapping.h) or of our own. kExitOk for OK.
[[nodiscard]] int ExitCodeOf(const absl::Status& status);

}  // namespace relais::cli
