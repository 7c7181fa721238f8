// Changes of a directory's text by tools: the development setup fills in logs and dates, `relais pki revoke`
// adds a revocation. Humans edit the file itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/directory/model.h"

namespace relais::directory {

struct Edit {
  std::optional<uint64_t> version;
  std::optional<absl::Time> not_after;
  std::optional<std::vector<LogEntry>> logs;  ///< Replaces the list.
  std::vector<Revocation> add_revocations;    ///< Added to the list.
};

/// The text with the edit applied, the rest as it was but for comments and layout, which are lost. Not
/// signed, not linted. INVALID_ARGUMENT when `yaml` is not a YAML mapping.
absl::StatusOr<std::string> Apply(std::string_view yaml, const Edit& edit);

/// Apply with `logs` alone.
absl::StatusOr<std::string> SetLogs(std::string_view yaml, const std::vector<LogEntry>& logs);

}  // namespace relais::directory
