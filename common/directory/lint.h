// What a directory must be to be signed and served, beyond its form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/directory/directory.h"

namespace relais::directory {

enum class Severity { kWarning, kError };

struct Problem {
  std::string path;  ///< `protocols[edf-coupure].recipients`
  Severity severity = Severity::kError;
  std::string message;

  /// `error: path: message`.
  [[nodiscard]] std::string ToString() const;
};

/// All problems at once, in the file's order within each rule: dangling and repeated names, unknown words,
/// and the rules of the domain:
///  - no purpose of fraud control, debt recovery, police or residence matters, by its code or its labels;
///  - employers and landlords read nothing: no role but SIGNAL_SENDER, no desk, no recipient, contact
///  requests
///    only (D-4.9); suppliers and the fire brigade send and do not read (D-2.5);
///  - bills' grounds: decree's fields and social service desks only (D-1.5), conventions signed (D-1.13);
///  - special categories and offence data marked as such (D-2.7, D-4.6);
///  - a desk that receives serious reports has an on-call desk (D-4.5);
///  - stewards, auditors and operators are systems apart.
/// Pure; reads no clock: what expires is judged where it is used.
[[nodiscard]] std::vector<Problem> Lint(const Directory& directory);

/// ParseDirectory, then INVALID_ARGUMENT with one line per error of Lint, if any. Warnings pass.
absl::StatusOr<Directory> ParseAndLint(std::string_view yaml);

}  // namespace relais::directory
