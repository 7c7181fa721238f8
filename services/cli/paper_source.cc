#include "services/cli/paper_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "services/cli/document_verbs.h"
#include "services/cli/nameless_file.h"
#include "services/cli/values.h"

namespace relais::cli {
namespace {

// The bytes read; 0 at the end, -1 when they cannot be.
ssize_t ReadSome(int fd, std::string& piece, uint64_t at, bool in_place) {
  while (true) {
    const ssize_t got = in_place ? pread(fd, piece.data(), piece.size(), static_cast<off_t>(at))
                                 : read(fd, piece.data(), piece.size());
    if (got >= 0 || errno != EINTR) {
      return got;
    }
  }
}

}  // namespace

PaperSource::PaperSource(PaperSource&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      at_(other.at_),
      size_(other.size_),
      sha256_(std::move(other.sha256_)) {}

PaperSource::~PaperSource() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

absl::StatusOr<PaperSource> PaperSource::Open(const std::string& path) {
  if (path == "-") {
    return isatty(STDIN_FILENO) == 1
               ? absl::InvalidArgumentError("standard input is a terminal: pipe the paper in, or name a file")
               : Spool(STDIN_FILENO);
  }
  RETURN_IF_ERROR(CheckInput(path));
  PaperSource source(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (source.fd_ >= 0 && fstat(source.fd_, &info) == 0 && !S_ISREG(info.st_mode)) {
    return Spool(source.fd_);  // a pipe with a name
  }
  crypto::Sha256Hasher hasher;
  std::string piece(kTransferPiece, '\0');
  ssize_t got = -1;
  while (source.fd_ >= 0 && (got = ReadSome(source.fd_, piece, source.size_, true)) > 0) {
    hasher.Update(std::string_view(piece.data(), static_cast<size_t>(got)));
    source.size_ += static_cast<uint64_t>(got);
  }
  if (got < 0) {
    return absl::InvalidArgumentError("cannot read " + path);
  }
  source.sha256_ = hasher.Finish();
  return source;
}

absl::StatusOr<PaperSource> PaperSource::Spool(int from, uint64_t most) {
  PaperSource source(NamelessFile());
  if (source.fd_ < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot keep what comes through a pipe in ", TemporaryFolder()));
  }
  crypto::Sha256Hasher hasher;
  std::string piece(kTransferPiece, '\0');
  ssize_t got = 0;
  while ((got = ReadSome(from, piece, 0, false)) > 0) {
    const std::string_view came(piece.data(), static_cast<size_t>(got));
    if (came.size() > most - source.size_) {
      return absl::InvalidArgumentError(absl::StrCat("the paper has more than ", BytesText(most)));
    }
    if (!WriteAll(source.fd_, came)) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot keep what comes through a pipe in ", TemporaryFolder()));
    }
    hasher.Update(came);
    source.size_ += came.size();
  }
  if (got < 0) {
    return absl::InvalidArgumentError("cannot read what comes through a pipe");
  }
  source.sha256_ = hasher.Finish();
  return source;
}

bool PaperSource::SeekTo(uint64_t offset) {
  struct stat info {};
  if (fstat(fd_, &info) != 0 || (S_ISREG(info.st_mode) && static_cast<uint64_t>(info.st_size) < offset)) {
    return false;
  }
  at_ = offset;
  return true;
}

bool PaperSource::Read(size_t most, std::string& piece) {
  piece.resize(most);
  const ssize_t got = ReadSome(fd_, piece, at_, true);
  piece.resize(got > 0 ? static_cast<size_t>(got) : 0);
  at_ += piece.size();
  return !piece.empty();
}

}  // namespace relais::cli
