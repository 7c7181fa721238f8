// The C library's calls on files: counted, refused as some file systems do, or failing.
#pragma once

#include <functional>
#include <map>

namespace relais::cli::testing {

struct DiskCalls {
  int syncs = 0;  // asked for
  int folders_synced = 0;
  int syncs_fail_after = -1;                     // that many succeed, every later one fails; -1: none
  std::map<int, std::function<void()>> at_sync;  // what others do meanwhile, by the count of syncs
  bool no_replace = true;                        // it knows RENAME_NOREPLACE
  bool links = true;                             // it knows hard links
};

/// Of every fsync, renameat2 and link of this process. A test begins and ends with a fresh one. Not
/// thread-safe.
DiskCalls& Disk();

}  // namespace relais::cli::testing
