// What the followed consent log has revoked: the last look before anything is sent. "Nothing is sent after
// the follower's reported effective instant" (architecture, "Delivery").
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "absl/time/time.h"
#include "common/base/id128.h"

namespace relais::routing {

/// Thread-safe. Remembers per person the last leaf of the consent log that may revoke something. A permit
/// decided at tree size S is void once a revoking leaf with index >= S has been followed. Entries older than
/// `keep` of monotonic time are dropped: no permit lives that long.
class Revocations {
 public:
  explicit Revocations(absl::Duration keep) : keep_(keep) {}

  void Note(const Id128& person, uint64_t leaf_index, absl::Duration now);
  /// True when a permit for this person, decided at `size`, still stands.
  [[nodiscard]] bool Stands(const Id128& person, uint64_t size) const;

 private:
  struct Last {
    uint64_t leaf_index = 0;
    absl::Duration noted;
  };
  absl::Duration keep_;
  mutable std::mutex mu_;
  std::map<Id128, Last> last_;
  std::multimap<absl::Duration, Id128> by_age_;
};

}  // namespace relais::routing
