// The directory for human eyes: `relais directory show` and `relais directory diff`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/directory/directory.h"

namespace relais::directory {

/// What changed from `a` to `b`, a line per value, by path: `+ path: new`, `- path: old`, `~ path: old →
/// new`. The order of desks, which decides who is chosen first, has a line of its own.
[[nodiscard]] std::vector<std::string> Diff(const Directory& a, const Directory& b);

/// `path: value` for every path that starts with `prefix` (`desks[dsol-75113]`); "" shows all.
[[nodiscard]] std::vector<std::string> Show(const Directory& directory, std::string_view prefix);

/// A dozen lines: version, end, and what it holds, with each institution's kind, systems and number of desks.
[[nodiscard]] std::vector<std::string> Summary(const Directory& directory);

}  // namespace relais::directory
