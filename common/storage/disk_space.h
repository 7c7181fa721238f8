// How much room the disk under a store has, and how near its end that is. Pure but for FolderSpace.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace relais::storage {

/// What a file system says of itself, in bytes, as `df` counts: what only the superuser may use is in
/// neither.
struct DiskUse {
  uint64_t free = 0;
  uint64_t size = 0;  // used and free
};

/// Over it: that much is used **and** less is free. Both, so that neither a large disk with room left nor a
/// small one that is mostly empty counts as full.
struct DiskMark {
  int used_percent = 0;     // 0 to 100, and more is over it too
  uint64_t free_bytes = 0;  // 0: nothing is over this mark
};

/// Whoever is over the second is over the first: it asks for no less used and no more free.
struct DiskMarks {
  DiskMark first;
  DiskMark second;
};

enum class DiskLevel : int { kNormal = 0, kFirst = 1, kSecond = 2 };

/// The level of a disk. `before`: what this said at the last look, kNormal at the first. A mark that was
/// passed is left only with some room to spare, so that a disk on the mark does not make the level change at
/// every look: 2 points less used than the mark, or an eighth more free.
[[nodiscard]] DiskLevel LevelOf(const DiskMarks& marks, const DiskUse& use, DiskLevel before);

/// Thread-safe.
class DiskSpace {
 public:
  virtual ~DiskSpace() = default;
  /// UNAVAILABLE when it cannot be told.
  [[nodiscard]] virtual absl::StatusOr<DiskUse> Look() const = 0;

 protected:
  DiskSpace() = default;
  DiskSpace(const DiskSpace&) = default;
  DiskSpace& operator=(const DiskSpace&) = default;
};

/// Of the file system that a folder is on (statvfs).
class FolderSpace final : public DiskSpace {
 public:
  explicit FolderSpace(std::string folder) : folder_(std::move(folder)) {}
  [[nodiscard]] absl::StatusOr<DiskUse> Look() const override;

 private:
  const std::string folder_;
};

}  // namespace relais::storage
