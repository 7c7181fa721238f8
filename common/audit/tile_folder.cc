#include "common/audit/tile_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::audit {
namespace {

namespace fs = std::filesystem;

// A full bundle of the longest entries.
constexpr size_t kMaxFile = size_t{merkle::kTileWidth} * (2 + merkle::kMaxEntrySize);

absl::Status Failed(const char* what, const std::string& path) {
  return absl::UnavailableError(absl::StrCat(what, " ", path, ": ", std::strerror(errno)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

absl::Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return Failed("cannot write", path);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status SyncFolderOf(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.ok() && ::fsync(fd.get()) == 0 ? absl::OkStatus() : Failed("cannot sync", folder);
}

absl::Status MakeFolders(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? absl::UnavailableError(absl::StrCat("cannot make ", path, ": ", error.message()))
               : absl::OkStatus();
}

int OpenNew(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TileFolder>> TileFolder::OpenForWriting(const std::string& path) {
  RETURN_IF_ERROR(MakeFolders(path));
  std::unique_ptr<TileFolder> folder(new TileFolder(path));
  const std::string lock = folder->PathOf(kWriterLock);
  folder->lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (folder->lock_ < 0) {
    return Failed("cannot open", lock);
  }
  if (::flock(folder->lock_, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(absl::StrCat("another process is writing in ", path));
  }
  RETURN_IF_ERROR(folder->Remove(kUnfinished));
  return folder;
}

absl::StatusOr<std::unique_ptr<TileFolder>> TileFolder::OpenForReading(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return absl::NotFoundError(absl::StrCat("no folder ", path));
  }
  return std::unique_ptr<TileFolder>(new TileFolder(path));
}

TileFolder::~TileFolder() {
  if (lock_ >= 0) {
    ::close(lock_);
  }
}

std::string TileFolder::PathOf(std::string_view relative) const {
  return absl::StrCat(path_, "/", std::string(relative));
}

absl::StatusOr<std::optional<std::string>> TileFolder::Read(std::string_view relative) const {
  const std::string path = PathOf(relative);
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) {
    return errno == ENOENT || errno == ENOTDIR ? absl::StatusOr<std::optional<std::string>>(std::nullopt)
                                               : Failed("cannot read", path);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    return Failed("cannot read", path);
  }
  if (info.st_size > static_cast<off_t>(kMaxFile)) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(relative), ": too long for any file of a log"));
  }
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Failed("cannot read", path);
    }
    if (got == 0) {
      break;
    }
    at += static_cast<size_t>(got);
  }
  bytes.resize(at);
  return std::optional<std::string>(std::move(bytes));
}

absl::StatusOr<std::vector<merkle::Hash>> TileFolder::ReadTile(const merkle::TileId& tile) const {
  const std::string path = merkle::TilePath(tile);
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, Read(path));
  if (!bytes.has_value()) {
    return absl::NotFoundError(absl::StrCat(path, ": missing"));
  }
  absl::StatusOr<std::vector<merkle::Hash>> hashes = merkle::ParseTile(*bytes, tile.width);
  if (!hashes.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", hashes.status().message()));
  }
  return hashes;
}

absl::StatusOr<std::string> TileFolder::ReadBundle(uint64_t index, uint32_t width) const {
  const std::string path = merkle::BundlePath(index, width);
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, Read(path));
  if (!bytes.has_value()) {
    return absl::NotFoundError(absl::StrCat(path, ": missing"));
  }
  return *std::move(bytes);
}

merkle::TileReader TileFolder::Tiles() const {
  return [this](const merkle::TileId& tile) { return ReadTile(tile); };
}

absl::Status TileFolder::Write(std::string_view relative, std::string_view bytes) {
  const std::string path = PathOf(relative);
  const std::string unfinished = PathOf(kUnfinished);
  {
    const Descriptor fd(OpenNew(unfinished));
    if (!fd.ok()) {
      return Failed("cannot write", unfinished);
    }
    RETURN_IF_ERROR(WriteAll(fd.get(), bytes, unfinished));
  }
  if (std::rename(unfinished.c_str(), path.c_str()) == 0) {
    return absl::OkStatus();
  }
  if (errno != ENOENT) {
    return Failed("cannot rename to", path);
  }
  RETURN_IF_ERROR(MakeFolders(fs::path(path).parent_path().string()));
  return std::rename(unfinished.c_str(), path.c_str()) == 0 ? absl::OkStatus()
                                                            : Failed("cannot rename to", path);
}

absl::Status TileFolder::Sync() {
  // One call for the thousands of files between two checkpoints, their folders included.
  const Descriptor fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return fd.ok() && ::syncfs(fd.get()) == 0 ? absl::OkStatus() : Failed("cannot sync", path_);
}

absl::Status TileFolder::WriteDurably(std::string_view relative, std::string_view bytes) {
  const std::string path = PathOf(relative);
  const std::string unfinished = PathOf(kUnfinished);
  RETURN_IF_ERROR(MakeFolders(fs::path(path).parent_path().string()));
  {
    const Descriptor fd(OpenNew(unfinished));
    if (!fd.ok()) {
      return Failed("cannot write", unfinished);
    }
    RETURN_IF_ERROR(WriteAll(fd.get(), bytes, unfinished));
    if (::fsync(fd.get()) != 0) {
      return Failed("cannot sync", unfinished);
    }
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    return Failed("cannot rename to", path);
  }
  return SyncFolderOf(path);
}

absl::Status TileFolder::Remove(std::string_view relative) {
  const std::string path = PathOf(relative);
  return std::remove(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR || errno == ENOTEMPTY ||
                 errno == EEXIST
             ? absl::OkStatus()
             : Failed("cannot remove", path);
}

absl::Status TileFolder::List(std::string_view relative,
                              const std::function<void(const std::string&)>& take) const {
  const std::string start = relative.empty() ? path_ : PathOf(relative);
  std::error_code error;
  if (!fs::exists(start, error)) {
    return absl::OkStatus();
  }
  fs::recursive_directory_iterator at(start, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (!at->is_directory(error)) {
      take(at->path().lexically_relative(path_).string());
    }
  }
  return error ? absl::UnavailableError(absl::StrCat("cannot list ", start, ": ", error.message()))
               : absl::OkStatus();
}

}  // namespace relais::audit
