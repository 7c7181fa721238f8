#include "common/pki/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::pki {
namespace {

absl::Status SystemError(const std::string& what, const std::string& path) {
  return absl::UnavailableError(absl::StrCat(what, " ", path, ": ", std::generic_category().message(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return SystemError("cannot write", path);
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status WriteSynced(const std::string& path, std::string_view content, mode_t mode) {
  // Others may write to the folder: a file of theirs would keep their rights, a link would lead elsewhere.
  ::unlink(path.c_str());
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (file.get() < 0 || ::fchmod(file.get(), mode) != 0) {
    return SystemError("cannot create", path);
  }
  RETURN_IF_ERROR(WriteAll(file.get(), content, path));
  return ::fsync(file.get()) == 0 ? absl::OkStatus() : SystemError("cannot sync", path);
}

}  // namespace

absl::Status SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) {
    folder = ".";
  }
  const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() < 0 || ::fsync(handle.get()) != 0) {
    return SystemError("cannot sync", folder);
  }
  return absl::OkStatus();
}

absl::Status WriteFileDurably(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = path + ".new";
  if (absl::Status written = WriteSynced(temporary, content, mode); !written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    absl::Status failed = SystemError("cannot replace", path);
    ::unlink(temporary.c_str());
    return failed;
  }
  return SyncFolderOf(path);
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return errno == ENOENT ? absl::NotFoundError(absl::StrCat("no file ", path))
                           : SystemError("cannot read", path);
  }
  std::string content;
  std::string buffer(size_t{64} << 10, '\0');
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return SystemError("cannot read", path);
    }
    if (n == 0) {
      return content;
    }
    content.append(buffer, 0, static_cast<size_t>(n));
    if (content.size() > max_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is longer than ", max_bytes, " bytes"));
    }
  }
}

absl::Status MakeFolder(const std::string& path, mode_t mode) {
  std::error_code error;
  const bool created = std::filesystem::create_directories(path, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat("cannot create ", path, ": ", error.message()));
  }
  if (created && ::chmod(path.c_str(), mode) != 0) {
    return SystemError("cannot set permissions of", path);
  }
  return absl::OkStatus();
}

}  // namespace relais::pki
