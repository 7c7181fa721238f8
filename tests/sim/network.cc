#include "tests/sim/network.h"

#include <algorithm>

namespace relais::sim {

void Network::Cut(const std::string& a, const std::string& b, absl::Duration duration) {
  cut_until_[std::minmax(a, b)] = sim_.Monotonic() + duration;
}

bool Network::Passes(const std::string& from, const std::string& to) {
  if (calm_) {
    return true;
  }
  const auto cut = cut_until_.find(std::minmax(from, to));
  if (cut != cut_until_.end() && sim_.Monotonic() < cut->second) {
    return false;
  }
  return sim_.Below(100) != 0;  // one message in a hundred is lost
}

absl::Duration Network::Delay() {
  // Mostly a few milliseconds; now and then long enough to overtake or to outlive a lease.
  const uint64_t kind = calm_ ? 0 : sim_.Below(100);
  const uint64_t most = kind < 90 ? 5 : (kind < 99 ? 200 : 3000);
  return absl::Microseconds(static_cast<int64_t>(100 + sim_.Below(most * 1000)));
}

}  // namespace relais::sim
