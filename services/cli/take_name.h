// A file takes a name that nothing has.
#pragma once

#include <string>

namespace relais::cli {

enum class Taken { kYes, kIsThere, kFailed };

/// `from` is renamed to `to` unless something is there, a link that leads nowhere too. In one step; where the
/// file system knows neither RENAME_NOREPLACE nor hard links, after a look. Not synced.
[[nodiscard]] Taken TakeName(const std::string& from, const std::string& to);

}  // namespace relais::cli
