// Small files that must be whole or absent: keys, certificates, the directory's memory.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::pki {

/// Writes a temporary file beside `path` with permissions `mode`, syncs it, renames it over `path` and syncs
/// the folder: after a crash `path` holds the old content or the new, never a part. UNAVAILABLE with the
/// system's reason on failure; nothing is left behind. Two writers of one path must be serialised by the
/// caller.
absl::Status WriteFileDurably(const std::string& path, std::string_view content, mode_t mode);

/// NOT_FOUND when absent, INVALID_ARGUMENT when longer than `max_bytes`, UNAVAILABLE when unreadable.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes);

/// Creates `path` and its parents with permissions `mode`; an existing folder is fine.
absl::Status MakeFolder(const std::string& path, mode_t mode);

}  // namespace relais::pki
