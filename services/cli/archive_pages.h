// Pages of what the registry holds about her, as one document. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::cli {

/// The first page with the entries of all in each of its lists (docs/formats.md, "Export of a person"), in
/// their order; one page as it is. DATA_LOSS for what is no page.
[[nodiscard]] absl::StatusOr<std::string> JoinArchivePages(const std::vector<std::string>& pages);

}  // namespace relais::cli
