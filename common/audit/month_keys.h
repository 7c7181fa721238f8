// The keys of part R: one a month, destroyed on schedule. Private to common/audit.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/random.h"
#include "common/base/secret.h"
#include "common/crypto/key_ring.h"

namespace relais::audit::internal {

/// "2026-11" → "audit-month/2026-11".
[[nodiscard]] std::string MonthRingName(std::string_view month);
/// The months whose key is there, oldest first.
[[nodiscard]] std::vector<std::string> MonthsHeld(const crypto::KeyRing& ring);

/// Ring names "audit-month/<yyyy-mm>", months in UTC. Thread-safe.
class MonthKeys {
 public:
  MonthKeys(crypto::KeyRing& ring, Random& random) : ring_(ring), random_(random) {}

  /// The key of the month of an instant, made if there never was one. FAILED_PRECONDITION when it was
  /// destroyed.
  [[nodiscard]] absl::StatusOr<Secret> ForWriting(absl::Time time);
  /// NOT_FOUND when it never was or is destroyed.
  [[nodiscard]] absl::StatusOr<Secret> ForReading(absl::Time time) const;

 private:
  crypto::KeyRing& ring_;
  Random& random_;
  std::mutex mu_;
  // The month last written to.
  Secret current_;
  absl::Time from_ = absl::InfiniteFuture();
  absl::Time until_ = absl::InfiniteFuture();
};

}  // namespace relais::audit::internal
