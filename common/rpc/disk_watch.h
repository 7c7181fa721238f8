// What a service goes on serving while the disk under its store fills (architecture, "what happens when
// something is missing"): over the first mark everything, with a warning; over the second all but what
// writes.
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "common/storage/disk_space.h"
#include "relais/common/v1/options.pb.h"

namespace relais::rpc {

/// Looks only when it is told to; nothing at the construction, when the level is normal. Thread-safe but for
/// Look, which belongs to one thread at a time.
class DiskWatch {
 public:
  /// `space` outlives it.
  DiskWatch(const storage::DiskMarks& marks, const storage::DiskSpace& space)
      : marks_(marks), space_(space) {}
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;
  ~DiskWatch() = default;

  /// Takes the level of this moment, and logs it where it is another. True when it is. A disk that cannot be
  /// asked leaves the level as it was, and a warning, once until it can be.
  bool Look();

  [[nodiscard]] storage::DiskLevel level() const { return level_; }
  /// Of the last look that succeeded; zeros before the first.
  [[nodiscard]] storage::DiskUse use() const { return {free_, size_}; }

  /// OK when methods of that effect are served now; else UNAVAILABLE / DISK_FULL, with when to come back.
  [[nodiscard]] absl::Status Serves(common::v1::Effect effect) const;

 private:
  const storage::DiskMarks marks_;
  const storage::DiskSpace& space_;
  bool failed_ = false;  // the last look
  std::atomic<storage::DiskLevel> level_ = storage::DiskLevel::kNormal;
  std::atomic<uint64_t> free_ = 0;
  std::atomic<uint64_t> size_ = 0;
};

}  // namespace relais::rpc
