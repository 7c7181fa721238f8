// Small files that must be whole or absent: keys, certificates, the directory's memory.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::pki {

/// Writes a temporary file beside `path` with permissions `mode`, syncs it, renames it over `path` and syncs
/// the folder: after a crash `path` holds the old content or the new, never a part. The temporary file,
/// `<path>.new`, is made by this call: what has that name, a link too, is removed and never written through.
/// UNAVAILABLE with the system's reason on failure; nothing is left behind. Two writers of one path must be
/// serialised by the caller.
absl::Status WriteFileDurably(const std::string& path, std::string_view content, mode_t mode);

/// Syncs the folder that `path` lies in: what was renamed to `path` before has that name after a crash too.
/// UNAVAILABLE with the system's reason.
absl::Status SyncFolderOf(const std::string& path);

/// NOT_FOUND when absent, INVALID_ARGUMENT when longer than `max_bytes`, UNAVAILABLE when unreadable.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes);

/// Creates `path` and its parents with permissions `mode`; an existing folder is fine.
absl::Status MakeFolder(const std::string& path, mode_t mode);

}  // namespace relais::pki
