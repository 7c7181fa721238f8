#include "common/base/file_watch.h"

#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace relais {
namespace {

// Changes when a file does: whoever replaces it gives another inode, size or instant.
std::string StampOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    return "none";
  }
  return absl::StrCat(info.st_ino, ".", info.st_size, ".", info.st_mtim.tv_sec, ".", info.st_mtim.tv_nsec);
}

}  // namespace

FileWatch::FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)), last_(Stamps()) {}

bool FileWatch::Changed() {
  std::string now = Stamps();
  const bool changed = now != last_;
  last_ = std::move(now);
  return changed;
}

std::string FileWatch::Stamps() const {
  std::string stamps;
  for (const std::string& path : paths_) {
    absl::StrAppend(&stamps, StampOf(path), "/");
  }
  return stamps;
}

}  // namespace relais
