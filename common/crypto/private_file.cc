#include "common/crypto/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/text.h"

namespace relais::crypto::internal {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

absl::Status Failed(std::string_view what, const std::string& path) {
  const int error = errno;
  const std::string text =
      absl::StrCat(ToAbsl(what), " ", path, ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case EEXIST:
      return absl::AlreadyExistsError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    default:
      return absl::UnavailableError(text);
  }
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return path.substr(0, std::max<size_t>(slash, 1));
}

absl::Status SyncFolder(const std::string& path) {
  const std::string folder = FolderOf(path);
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) {
    return Failed("cannot sync", folder);
  }
  return absl::OkStatus();
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// The temporary name is fixed: a leftover of a crash is overwritten by the next write, not collected.
std::string TemporaryName(const std::string& path) { return path + ".tmp"; }

absl::Status WriteTemporary(const std::string& path, std::string_view content) {
  const std::string tmp = TemporaryName(path);
  ::unlink(tmp.c_str());
  const Fd fd(::open(tmp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.ok()) {
    return Failed("cannot create", tmp);
  }
  if (!WriteAll(fd.get(), content) || ::fsync(fd.get()) != 0) {
    absl::Status status = Failed("cannot write", tmp);
    ::unlink(tmp.c_str());
    return status;
  }
  return absl::OkStatus();
}

// Best effort: a file system that copies on write, or a flash disk, keeps the old blocks until it reuses
// them.
void OverwriteWithZeros(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) {
    return;
  }
  const std::string zeros(static_cast<size_t>(st.st_size), '\0');
  if (WriteAll(fd, zeros)) {
    ::fsync(fd);
  }
}

}  // namespace

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, size_t max_size) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) {
    return Failed("cannot open", path);
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) {
    return Failed("cannot stat", path);
  }
  if (!S_ISREG(st.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a file"));
  }
  if ((st.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        absl::StrCat(path, " is open to its group or to all; it must have mode 0600 or 0400"));
  }
  if (st.st_size < 0 || static_cast<size_t>(st.st_size) > max_size) {
    return absl::DataLossError(absl::StrCat(path, " is longer than ", max_size, " bytes"));
  }
  std::string content(static_cast<size_t>(st.st_size), '\0');
  size_t got = 0;
  while (got < content.size()) {
    const ssize_t n = ::read(fd.get(), content.data() + got, content.size() - got);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return Failed("cannot read", path);
    }
    if (n == 0) {
      return absl::DataLossError(absl::StrCat(path, " became shorter while it was read"));
    }
    got += static_cast<size_t>(n);
  }
  return content;
}

absl::Status CreatePrivateFile(const std::string& path, std::string_view content) {
  const std::string tmp = TemporaryName(path);
  RETURN_IF_ERROR(WriteTemporary(path, content));
  // link, not rename: it refuses to take the place of an existing file.
  if (::link(tmp.c_str(), path.c_str()) != 0) {
    absl::Status status = Failed("cannot create", path);
    ::unlink(tmp.c_str());
    return status;
  }
  ::unlink(tmp.c_str());
  return SyncFolder(path);
}

absl::Status ReplacePrivateFile(const std::string& path, std::string_view content) {
  const Fd old(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!old.ok()) {
    return Failed("cannot open", path);
  }
  RETURN_IF_ERROR(WriteTemporary(path, content));
  const std::string tmp = TemporaryName(path);
  if (::rename(tmp.c_str(), path.c_str()) != 0) {
    absl::Status status = Failed("cannot replace", path);
    ::unlink(tmp.c_str());
    return status;
  }
  // Not before the new name is durable: until then a crash may bring the old file back.
  RETURN_IF_ERROR(SyncFolder(path));
  OverwriteWithZeros(old.get());
  return absl::OkStatus();
}

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& path, Mode mode) {
  const std::string folder = FolderOf(path);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return Failed("cannot open", folder);
  }
  FolderLock lock(fd);
  while (::flock(fd, mode == kShared ? LOCK_SH : LOCK_EX) != 0) {
    if (errno != EINTR) {
      return Failed("cannot lock", folder);
    }
  }
  return lock;
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

}  // namespace relais::crypto::internal
