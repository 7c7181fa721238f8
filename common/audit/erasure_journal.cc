#include "common/audit/erasure_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"

namespace relais::audit {
namespace {

constexpr std::string_view kKeyName = "erasure-journal";
constexpr std::string_view kHeader = "relais-erasures/1\n";
constexpr std::string_view kContext = "relais erasure v1";
constexpr size_t kKeySize = 32;
constexpr size_t kIdDigits = 2 * Id128::kSize;
constexpr size_t kLineBytes = kIdDigits + 1 + 2 * crypto::kSha256Size + 1;

absl::Status Failed(std::string_view what, const std::string& path) {
  return absl::UnavailableError(
      absl::StrCat("erasure journal ", path, ": ", std::string(what), " failed, errno ", errno));
}

absl::Status Damaged(const std::string& path, size_t line) {
  return absl::DataLossError(absl::StrCat("erasure journal ", path, ": line ", line, " is damaged"));
}

absl::Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return Failed("write", path);
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0 ? absl::OkStatus() : Failed("fsync", path);
}

absl::Status CutTo(int fd, size_t size, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return Failed("stat", path);
  }
  if (static_cast<size_t>(info.st_size) < size) {
    return absl::DataLossError(absl::StrCat("erasure journal ", path, ": is shorter than it was"));
  }
  return static_cast<size_t>(info.st_size) == size || ::ftruncate(fd, static_cast<off_t>(size)) == 0
             ? absl::OkStatus()
             : Failed("truncate", path);
}

// After the first `size` bytes: what a try that failed left beyond them, on a full disk say, goes first.
absl::Status AppendDurably(const std::string& path, size_t size, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Failed("open", path);
  }
  absl::Status status = CutTo(fd, size, path);
  if (status.ok()) {
    status = WriteAll(fd, text, path);
  }
  if (::close(fd) != 0 && status.ok()) {
    return Failed("close", path);
  }
  return status;
}

absl::Status SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return Failed("open of the folder", path);
  }
  absl::Status status = ::fsync(fd) == 0 ? absl::OkStatus() : Failed("fsync of the folder", path);
  ::close(fd);
  return status;
}

absl::StatusOr<Secret> KeyOf(crypto::KeyRing& ring, Random& random) {
  if (absl::IsNotFound(ring.Latest(kKeyName).status())) {
    RETURN_IF_ERROR(ring.Put(kKeyName, 1, Secret(random.Bytes(kKeySize))));
  }
  // The first one for ever: hashes under another would find nobody.
  return ring.Get(kKeyName, 1);
}

absl::StatusOr<ErasureJournal::Entry> ParseLine(std::string_view line) {
  if (line.size() != kLineBytes || line[kIdDigits] != ' ') {
    return absl::InvalidArgumentError("not a line of a journal");
  }
  ErasureJournal::Entry entry;
  ASSIGN_OR_RETURN(entry.erasure, Id128::FromHex(line.substr(0, kIdDigits)));
  ASSIGN_OR_RETURN(entry.hash, crypto::HexDecode(line.substr(kIdDigits + 1, 2 * crypto::kSha256Size)));
  return entry;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ErasureJournal>> ErasureJournal::Open(std::string path, crypto::KeyRing& ring,
                                                                     Random& random) {
  ASSIGN_OR_RETURN(Secret key, KeyOf(ring, random));
  std::unique_ptr<ErasureJournal> journal(new ErasureJournal(std::move(path), std::move(key)));
  RETURN_IF_ERROR(journal->Load());
  return journal;
}

absl::Status ErasureJournal::Load() {
  if (path_.empty()) {
    return absl::OkStatus();
  }
  std::error_code error;
  std::string text;
  if (std::filesystem::exists(path_, error)) {
    std::ifstream in(path_, std::ios::binary);
    std::ostringstream content;
    if (std::filesystem::file_size(path_, error) > 0) {
      content << in.rdbuf();
    }
    if (!in) {
      return Failed("read", path_);
    }
    text = content.str();
  }
  // A first start that the disk had no room for left less than the first line: nothing was ever noted. That
  // nothing is missing is for whoever knows how many erasures there were.
  if (text.size() < kHeader.size() && kHeader.substr(0, text.size()) == text) {
    RETURN_IF_ERROR(AppendDurably(path_, 0, kHeader));
    size_ = kHeader.size();
    return SyncFolder(path_);
  }
  if (std::string_view(text).substr(0, kHeader.size()) != kHeader) {
    return Damaged(path_, 1);
  }
  size_t at = kHeader.size();
  for (size_t line = 2; at + kLineBytes <= text.size(); ++line, at += kLineBytes) {
    const std::string_view row = std::string_view(text).substr(at, kLineBytes);
    absl::StatusOr<Entry> entry = ParseLine(row);
    if (!entry.ok() || row.back() != '\n') {
      return Damaged(path_, line);
    }
    Take(*std::move(entry));
  }
  if (at < text.size() && ::truncate(path_.c_str(), static_cast<off_t>(at)) != 0) {
    return Failed("truncate", path_);
  }
  size_ = at;
  return absl::OkStatus();
}

std::string ErasureJournal::HashOf(const Subject& subject) const {
  return crypto::HmacSha256(key_, absl::StrCat(std::string(kContext), subject.Encode()));
}

absl::Status ErasureJournal::Append(const Id128& erasure, const std::vector<Subject>& subjects) {
  std::string lines;
  std::vector<Entry> added;
  for (const Subject& subject : subjects) {
    Entry entry{erasure, HashOf(subject)};
    if (!lines_.contains({erasure, entry.hash})) {
      absl::StrAppend(&lines, erasure.ToHex(), " ", crypto::HexEncode(entry.hash), "\n");
      added.push_back(std::move(entry));
    }
  }
  if (!path_.empty() && !lines.empty()) {
    RETURN_IF_ERROR(AppendDurably(path_, size_, lines));
    size_ += lines.size();
  }
  for (Entry& entry : added) {
    Take(std::move(entry));
  }
  return absl::OkStatus();
}

void ErasureJournal::Take(Entry entry) {
  known_.insert(entry.erasure);
  lines_.insert({entry.erasure, entry.hash});
  entries_.push_back(std::move(entry));
}

}  // namespace relais::audit
