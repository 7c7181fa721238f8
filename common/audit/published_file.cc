#include "common/audit/published_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::audit::internal {
namespace {

absl::Status Failed(std::string_view what) {
  return absl::UnavailableError(
      absl::StrCat("published checkpoint: ", std::string(what), " failed, errno ", errno));
}

absl::Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return Failed("write");
    }
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status SyncFolder(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return Failed("open of the folder");
  }
  absl::Status status = ::fsync(fd) == 0 ? absl::OkStatus() : Failed("fsync of the folder");
  ::close(fd);
  return status;
}

absl::Status Replace(const std::string& path, std::string_view text, bool sync) {
  const std::string temporary = path + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Failed("open");
  }
  absl::Status status = WriteAll(fd, text);
  if (status.ok() && sync && ::fsync(fd) != 0) {
    status = Failed("fsync");
  }
  if (::close(fd) != 0 && status.ok()) {
    status = Failed("close");
  }
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = Failed("rename");
  }
  RETURN_IF_ERROR(status);
  return sync ? SyncFolder(path) : absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> ReadIfThere(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    std::error_code error;
    if (!std::filesystem::exists(path, error) && !error) {
      return std::optional<std::string>();
    }
    return absl::UnavailableError("published checkpoint: cannot be read");
  }
  std::ostringstream text;
  text << in.rdbuf();
  return std::optional<std::string>(text.str());
}

}  // namespace

absl::Status PublishedFile::Write(std::string_view text, bool sync) const {
  if (sync) {
    RETURN_IF_ERROR(Replace(path_ + ".synced", text, true));
  }
  return Replace(path_, text, false);
}

absl::StatusOr<PublishedFile::Content> PublishedFile::Read() const {
  Content content;
  ASSIGN_OR_RETURN(content.last, ReadIfThere(path_));
  ASSIGN_OR_RETURN(content.synced, ReadIfThere(path_ + ".synced"));
  return content;
}

}  // namespace relais::audit::internal
