#include "services/cli/take_name.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace relais::cli {
namespace {

Taken Refused(int error) { return error == EEXIST ? Taken::kIsThere : Taken::kFailed; }

Taken LookAndRename(const std::string& from, const std::string& to) {
  struct stat info {};
  if (lstat(to.c_str(), &info) == 0) {
    return Taken::kIsThere;
  }
  return errno == ENOENT && std::rename(from.c_str(), to.c_str()) == 0 ? Taken::kYes : Taken::kFailed;
}

Taken LinkAndUnlink(const std::string& from, const std::string& to) {
  if (link(from.c_str(), to.c_str()) != 0) {
    return errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ? LookAndRename(from, to)
                                                                    : Refused(errno);
  }
  if (unlink(from.c_str()) != 0) {
    unlink(to.c_str());
    return Taken::kFailed;
  }
  return Taken::kYes;
}

}  // namespace

Taken TakeName(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return Taken::kYes;
  }
  return errno == EINVAL || errno == ENOSYS ? LinkAndUnlink(from, to) : Refused(errno);
}

}  // namespace relais::cli
