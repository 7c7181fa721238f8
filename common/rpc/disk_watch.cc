#include "common/rpc/disk_watch.h"

#include <initializer_list>

#include "common/base/log.h"
#include "common/rpc/refusal.h"

namespace relais::rpc {
namespace {

using storage::DiskLevel;
using storage::DiskUse;

// Room is made by humans: sooner is in vain.
constexpr absl::Duration kRetryAfter = absl::Minutes(1);

void LogLevel(DiskLevel level, const DiskUse& use) {
  const std::initializer_list<log::Field> fields = {
      log::Field::Count("free_bytes", static_cast<int64_t>(use.free)),
      log::Field::Count("size_bytes", static_cast<int64_t>(use.size))};
  switch (level) {
    case DiskLevel::kNormal:
      log::Info("the store's disk is under its marks", fields);
      return;
    case DiskLevel::kFirst:
      log::Warn("the store's disk is over its first mark: make room", fields);
      return;
    case DiskLevel::kSecond:
      log::Error("the store's disk is over its second mark: nothing new is taken until there is room",
                 fields);
      return;
  }
}

}  // namespace

bool DiskWatch::Look() {
  const absl::StatusOr<DiskUse> use = space_.Look();
  if (!use.ok()) {
    if (!failed_) {
      log::Warn("the store's disk does not say how full it is", {log::Field::Internal(use.status())});
    }
    failed_ = true;
    return false;
  }
  failed_ = false;
  free_ = use->free;
  size_ = use->size;
  const DiskLevel before = level_;
  const DiskLevel now = storage::LevelOf(marks_, *use, before);
  if (now == before) {
    return false;
  }
  level_ = now;
  LogLevel(now, *use);
  return true;
}

absl::Status DiskWatch::Serves(common::v1::Effect effect) const {
  if (effect != common::v1::EFFECT_WRITES || level_ != DiskLevel::kSecond) {
    return absl::OkStatus();
  }
  absl::Status refusal = Refusal(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DISK_FULL,
                                 "this service's disk is nearly full: it takes nothing new for now");
  SetRetryAfter(refusal, kRetryAfter);
  return refusal;
}

}  // namespace relais::rpc
