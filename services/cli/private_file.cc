#include "services/cli/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "services/cli/nameless_file.h"

namespace relais::cli {
namespace {

constexpr mode_t kPrivate = 0600;
constexpr size_t kPiece = size_t{256} << 10;
constexpr char kStandardOutput[] = "-";

absl::Status CannotWrite(const std::string& path) {
  return absl::InvalidArgumentError("cannot write " + path);
}

absl::Status CannotKeep() {
  return absl::InvalidArgumentError("cannot keep what goes to standard output in " + TemporaryFolder());
}

}  // namespace

PrivateFile::PrivateFile(std::string path, std::string partial, int fd)
    : path_(std::move(path)), partial_(std::move(partial)), fd_(fd) {}

PrivateFile::PrivateFile(PrivateFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_(std::move(other.partial_)),
      fd_(std::exchange(other.fd_, -1)),
      to_(other.to_),
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
  PrivateFile file(path, partial, fd);
  // What was there under other permissions is hers from now on.
  if (fchmod(fd, kPrivate) != 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return CannotWrite(partial);
  }
  file.size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

absl::StatusOr<PrivateFile> PrivateFile::Begin(const std::string& path) {
  if (path != kStandardOutput) {
    return Open(path, O_TRUNC);
  }
  return isatty(STDOUT_FILENO) == 1
             ? absl::InvalidArgumentError("standard output is a terminal: pipe it on, or name a file")
             : Spool(STDOUT_FILENO);
}

absl::StatusOr<PrivateFile> PrivateFile::Spool(int to) {
  const int fd = NamelessFile();
  if (fd < 0) {
    return CannotKeep();
  }
  PrivateFile file(kStandardOutput, "", fd);
  file.to_ = to;
  return file;
}

absl::StatusOr<PrivateFile> PrivateFile::GoOn(const std::string& path) {
  return path == kStandardOutput
             ? absl::InvalidArgumentError("nothing of standard output is kept to go on with: name a file")
             : Open(path, 0);
}

absl::Status PrivateFile::Write(std::string_view data) {
  if (!WriteAll(fd_, data)) {
    return to_ < 0 ? CannotWrite(partial_) : CannotKeep();
  }
  size_ += data.size();
  return absl::OkStatus();
}

absl::Status PrivateFile::Finish() {
  if (to_ >= 0) {
    return GoOut();
  }
  const bool synced = fsync(fd_) == 0;
  const bool closed = close(std::exchange(fd_, -1)) == 0;
  return synced && closed && std::rename(partial_.c_str(), path_.c_str()) == 0 ? absl::OkStatus()
                                                                               : CannotWrite(path_);
}

absl::Status PrivateFile::GoOut() {
  std::string piece(kPiece, '\0');
  for (uint64_t at = 0; at < size_;) {
    const ssize_t got = pread(fd_, piece.data(), piece.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return CannotKeep();
    }
    if (!WriteAll(to_, std::string_view(piece).substr(0, static_cast<size_t>(got)))) {
      return absl::InvalidArgumentError("cannot write to standard output");
    }
    at += static_cast<uint64_t>(got);
  }
  close(std::exchange(fd_, -1));
  return absl::OkStatus();
}

void PrivateFile::Remove() {
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
  if (to_ < 0) {
    unlink(partial_.c_str());
  }
}

}  // namespace relais::cli
