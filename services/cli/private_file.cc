#include "services/cli/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace relais::cli {
namespace {

constexpr mode_t kPrivate = 0600;

absl::Status CannotWrite(const std::string& path) {
  return absl::InvalidArgumentError("cannot write " + path);
}

}  // namespace

PrivateFile::PrivateFile(std::string path, int fd, uint64_t size)
    : path_(std::move(path)), partial_(path_ + ".partial"), fd_(fd), size_(size) {}

PrivateFile::PrivateFile(PrivateFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(other.size_) {}

PrivateFile::~PrivateFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

absl::StatusOr<PrivateFile> PrivateFile::Open(const std::string& path, int flags) {
  const std::string partial = path + ".partial";
  const int fd =
      open(partial.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, kPrivate);
  struct stat info {};
  if (fd < 0) {
    return CannotWrite(partial);
  }
  PrivateFile file(path, fd, 0);
  // What was there under other permissions is hers from now on.
  if (fchmod(fd, kPrivate) != 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return CannotWrite(partial);
  }
  file.size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

absl::StatusOr<PrivateFile> PrivateFile::Begin(const std::string& path) { return Open(path, O_TRUNC); }

absl::StatusOr<PrivateFile> PrivateFile::GoOn(const std::string& path) { return Open(path, 0); }

absl::Status PrivateFile::Write(std::string_view data) {
  while (!data.empty()) {
    const ssize_t written = write(fd_, data.data(), data.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return CannotWrite(partial_);
    }
    data.remove_prefix(static_cast<size_t>(written));
    size_ += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

absl::Status PrivateFile::Finish() {
  const bool synced = fsync(fd_) == 0;
  const bool closed = close(std::exchange(fd_, -1)) == 0;
  return synced && closed && std::rename(partial_.c_str(), path_.c_str()) == 0 ? absl::OkStatus()
                                                                               : CannotWrite(path_);
}

void PrivateFile::Remove() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
  unlink(partial_.c_str());
}

}  // namespace relais::cli
