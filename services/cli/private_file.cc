#include "services/cli/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/base/status.h"
#include "common/pki/file.h"
#include "services/cli/nameless_file.h"
#include "services/cli/take_name.h"

namespace relais::cli {
namespace {

constexpr mode_t kPrivate = 0600;
constexpr size_t kPiece = size_t{256} << 10;
constexpr char kStandardOutput[] = "-";

absl::Status CannotWrite(const std::string& path) {
  return absl::InvalidArgumentError("cannot write " + path);
}

Taken Replace(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? Taken::kYes : Taken::kFailed;
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
      synced_(other.synced_),
      size_(other.size_) {}

PrivateFile::~PrivateFile() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

absl::StatusOr<PrivateFile> PrivateFile::Open(const std::string& path, const std::string& mark) {
  const std::string partial = PartialOf(path, mark);
  const int fd = open(partial.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, kPrivate);
  struct stat info {};
  if (fd < 0) {
    return CannotWrite(partial);
  }
  PrivateFile file(path, partial, fd);
  RETURN_IF_ERROR(file.Lock());
  // What was there under other permissions is hers from now on.
  if (fchmod(fd, kPrivate) != 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return CannotWrite(partial);
  }
  file.size_ = static_cast<uint64_t>(info.st_size);
  return file;
}

absl::StatusOr<PrivateFile> PrivateFile::Begin(const std::string& path, const std::string& mark) {
  if (path != kStandardOutput) {
    ASSIGN_OR_RETURN(PrivateFile file, Open(path, mark));
    RETURN_IF_ERROR(file.CutTo(0));  // only now: until it is locked it may be another's
    return file;
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

absl::StatusOr<PrivateFile> PrivateFile::GoOn(const std::string& path, const std::string& mark) {
  return path == kStandardOutput
             ? absl::InvalidArgumentError("nothing of standard output is kept to go on with: name a file")
             : Open(path, mark);
}

absl::Status PrivateFile::Lock() {
  // Whoever held it until now may have given it its name, or removed it.
  const bool taken = flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  return taken || !IsAt(partial_)
             ? absl::InvalidArgumentError(partial_ + " is being written by another command: wait for its end")
             : absl::OkStatus();
}

bool PrivateFile::IsAt(const std::string& path) const {
  struct stat mine {};
  struct stat there {};
  return fd_ >= 0 && fstat(fd_, &mine) == 0 && lstat(path.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

absl::Status PrivateFile::Write(std::string_view data) {
  synced_ = false;
  if (!WriteAll(fd_, data)) {
    return to_ < 0 ? CannotWrite(partial_) : CannotKeep();
  }
  size_ += data.size();
  return absl::OkStatus();
}

absl::Status PrivateFile::CutTo(uint64_t size) {
  synced_ = false;
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
    return to_ < 0 ? CannotWrite(partial_) : CannotKeep();
  }
  size_ = size;
  return absl::OkStatus();
}

absl::Status PrivateFile::Sync() {
  synced_ = synced_ || to_ >= 0 || fsync(fd_) == 0;
  return synced_ ? absl::OkStatus() : CannotWrite(partial_);
}

absl::Status PrivateFile::Finish(Over over) {
  if (to_ >= 0) {
    return GoOut();
  }
  RETURN_IF_ERROR(Sync());
  // It stays locked: whoever opened it under its first name must find it so.
  const Taken taken = over == Over::kNothing ? TakeName(partial_, path_) : Replace(partial_, path_);
  if (taken != Taken::kYes) {
    return taken == Taken::kIsThere
               ? absl::InvalidArgumentError(path_ + " is there meanwhile: nothing is written over it")
               : CannotWrite(path_);
  }
  const absl::Status synced = pki::SyncFolderOf(path_);
  return synced.ok() ? synced : absl::InvalidArgumentError(synced.message());
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
  for (const std::string& name : {partial_, path_}) {
    if (to_ < 0 && IsAt(name)) {
      unlink(name.c_str());
    }
  }
  if (fd_ >= 0) {
    close(std::exchange(fd_, -1));
  }
}

}  // namespace relais::cli
