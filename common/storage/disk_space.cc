#include "common/storage/disk_space.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

namespace relais::storage {
namespace {

constexpr int kSparePercent = 2;
constexpr uint64_t kSpareFreePart = 8;
constexpr double kPercent = 100;

// In floating point: bytes times 100 may be more than 64 bits hold.
bool Over(const DiskUse& use, double used_percent, uint64_t free_bytes) {
  const double used = static_cast<double>(use.size - use.free);
  return use.free < free_bytes && used * kPercent >= used_percent * static_cast<double>(use.size);
}

bool Over(const DiskMark& mark, const DiskUse& use, bool was_over) {
  if (Over(use, mark.used_percent, mark.free_bytes)) {
    return true;
  }
  return was_over &&
         Over(use, mark.used_percent - kSparePercent, mark.free_bytes + mark.free_bytes / kSpareFreePart);
}

}  // namespace

DiskLevel LevelOf(const DiskMarks& marks, const DiskUse& use, DiskLevel before) {
  if (Over(marks.second, use, before == DiskLevel::kSecond)) {
    return DiskLevel::kSecond;
  }
  return Over(marks.first, use, before != DiskLevel::kNormal) ? DiskLevel::kFirst : DiskLevel::kNormal;
}

absl::StatusOr<DiskUse> FolderSpace::Look() const {
  struct statvfs info {};
  if (statvfs(folder_.c_str(), &info) != 0) {
    return absl::UnavailableError("statvfs: " + std::error_code(errno, std::generic_category()).message());
  }
  DiskUse use;
  const uint64_t block = info.f_frsize;
  use.free = info.f_bavail * block;
  use.size = (info.f_blocks - info.f_bfree) * block + use.free;
  if (use.size == 0) {
    return absl::UnavailableError("the file system does not say how large it is");
  }
  return use;
}

}  // namespace relais::storage
