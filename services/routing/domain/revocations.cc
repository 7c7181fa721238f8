#include "services/routing/domain/revocations.h"

#include <algorithm>

namespace relais::routing {

void Revocations::Note(const Id128& person, uint64_t leaf_index, absl::Duration now) {
  std::lock_guard lock(mu_);
  Last& last = last_[person];  // leaves of different persons may name the same one, in any order
  last = {std::max(last.leaf_index, leaf_index), now};
  by_age_.emplace(now, person);
  while (!by_age_.empty() && by_age_.begin()->first + keep_ < now) {
    const auto it = last_.find(by_age_.begin()->second);
    if (it != last_.end() && it->second.noted + keep_ < now) {
      last_.erase(it);
    }
    by_age_.erase(by_age_.begin());
  }
}

bool Revocations::Stands(const Id128& person, uint64_t size) const {
  std::lock_guard lock(mu_);
  const auto it = last_.find(person);
  return it == last_.end() || it->second.leaf_index < size;
}

}  // namespace relais::routing
