#include "services/cli/testing/disk_calls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace relais::cli::testing {

DiskCalls& Disk() {
  static auto* const calls = new DiskCalls;
  return *calls;
}

}  // namespace relais::cli::testing

using relais::cli::testing::Disk;
using relais::cli::testing::DiskCalls;

extern "C" int fsync(int fd) {
  DiskCalls& disk = Disk();
  if (const auto meanwhile = disk.at_sync.find(++disk.syncs); meanwhile != disk.at_sync.end()) {
    meanwhile->second();
  }
  if (disk.syncs_fail_after == 0) {
    return -1;
  }
  disk.syncs_fail_after -= disk.syncs_fail_after > 0 ? 1 : 0;
  struct stat info {};
  disk.folders_synced += ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) ? 1 : 0;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned int flags) noexcept {
  if (!Disk().no_replace) {
    errno = EINVAL;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

extern "C" int link(const char* from, const char* to) noexcept {
  if (!Disk().links) {
    errno = EPERM;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
