// Backups of a store: RocksDB's BackupEngine in our terms. A folder holds many backups of one store, which
// share the files that did not change.
//
// Beside the engine's own files a backup has what the audit log says of it (docs/formats.md, "Backups"): kept
// as the engine's metadata, so that it is checked with the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace relais::storage {

struct BackupRequest {
  std::string folder;  // made when missing, readable by its owner only
  std::string about;   // what the log says of it: any bytes
};

struct BackupInfo {
  uint32_t id = 0;
  absl::Time made;     // by the machine's clock, whole seconds
  uint64_t bytes = 0;  // of the files it needs
  std::string about;
};

/// Flushes and copies. UNAVAILABLE when the folder cannot be written.
[[nodiscard]] absl::StatusOr<BackupInfo> CreateBackup(rocksdb::DB& db, const BackupRequest& request);
/// Oldest first. NOT_FOUND when there is no such folder.
[[nodiscard]] absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& folder);
/// Reads every file and compares checksums. DATA_LOSS names what is wrong; NOT_FOUND: no such backup.
[[nodiscard]] absl::Status VerifyBackup(const std::string& folder, uint32_t id);
/// Writes the backup as a store into `path`, which must not exist or be empty (ALREADY_EXISTS). Verifies it
/// first.
[[nodiscard]] absl::Status RestoreBackup(const std::string& folder, uint32_t id, const std::string& path);
/// Deletes a backup and the files no other needs.
[[nodiscard]] absl::Status DeleteBackup(const std::string& folder, uint32_t id);

}  // namespace relais::storage
