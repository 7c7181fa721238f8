// From the directory's text to values.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/directory/directory.h"

namespace relais::directory {

/// Form only: structure, types, dates, hours, unknown and repeated keys. INVALID_ARGUMENT with one line per
/// problem, `path: what`. What the values mean together is Lint's (lint.h). Pure.
absl::StatusOr<Directory> ParseDirectory(std::string_view yaml);

}  // namespace relais::directory
