// What an export leaves on a disk: the archive, the proof that it is whole, of a sealed one its key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/cli/private_file.h"

namespace relais::cli {

/// Where each goes.
struct ArchivePaths {
  std::string archive;  // "-": standard output
  std::string key;      // empty: it is not sealed
  std::string proof;    // empty: it is not kept
};

/// OK when an export may write there: over nothing, since what a key opened or a proof proved is lost with
/// it, and an archive that is there would be left beside another's, if this ended badly. No two of the files,
/// nor what one is until it is whole, may be one file. INVALID_ARGUMENT names what is there; touches nothing.
[[nodiscard]] absl::Status CheckArchivePaths(const ArchivePaths& paths);

/// Each a PrivateFile until all are whole; of what is there nothing is written over. Two of one archive do
/// not live at a time, as far as PrivateFile sees to that. Not thread-safe. INVALID_ARGUMENT names the file.
class ArchiveFiles {
 public:
  /// After CheckArchivePaths, whose answer it gives too.
  static absl::StatusOr<ArchiveFiles> Begin(ArchivePaths paths);

  [[nodiscard]] PrivateFile& archive() { return archive_; }
  [[nodiscard]] const ArchivePaths& paths() const { return paths_; }
  /// Each at most once; nothing is done where it has no path.
  absl::Status WriteKey(std::string_view text);
  absl::Status WriteProof(std::string_view text);
  /// All are on the disk, then key, proof and archive take their names, in that order, each only where
  /// nothing has it: whenever the archive has its name, so have what opens and proves it. But Remove nothing
  /// may follow.
  absl::Status Finish();
  /// Nothing is left of what was begun here, what took its name neither; what others put there stays.
  void Remove();

 private:
  ArchiveFiles(ArchivePaths paths, PrivateFile archive);

  ArchivePaths paths_;
  PrivateFile archive_;
  std::optional<PrivateFile> key_;
  std::optional<PrivateFile> proof_;
};

}  // namespace relais::cli
