#include "common/audit/fresh_actors.h"

#include <algorithm>

namespace relais::audit::internal {

void FreshActors::DropFront() {
  bytes_ -= BytesOf(*kept_.front().place.actor);
  kept_.pop_front();
}

void FreshActors::DropOverdue(absl::Duration now) {
  while (!kept_.empty() && kept_.front().until <= now) {
    DropFront();
    taken_ = false;  // a minute, and nobody came
  }
}

bool FreshActors::Destroyed(absl::Time month) const {
  return std::any_of(destroyed_.begin(), destroyed_.end(), [month](const Interval& interval) {
    return interval.begin <= month && month < interval.end;
  });
}

void FreshActors::Add(std::vector<Place> places) {
  if (places.empty()) {
    return;
  }
  const absl::Duration now = clock_.Monotonic();
  bool arm = false;
  {
    std::lock_guard lock(mu_);
    DropOverdue(now);
    if (!taken_) {
      return;
    }
    for (Place& place : places) {
      // Drafted before the key was destroyed, committed after it.
      if (Destroyed(place.actor->month)) {
        continue;
      }
      bytes_ += BytesOf(*place.actor);
      kept_.push_back({std::move(place), now + kLongest});
    }
    while (kept_.size() > kMost || bytes_ > kMostBytes) {
      DropFront();
    }
    arm = !kept_.empty() && !armed_;
    armed_ = armed_ || arm;
  }
  if (arm) {
    ArmTimer(kLongest);
  }
}

std::vector<FreshActors::Actor> FreshActors::Take(uint64_t from, size_t count) {
  std::vector<Actor> actors(count);
  const absl::Duration now = clock_.Monotonic();
  std::lock_guard lock(mu_);
  DropOverdue(now);
  taken_ = true;
  while (!kept_.empty() && kept_.front().place.index < from + count) {
    Place& place = kept_.front().place;
    bytes_ -= BytesOf(*place.actor);
    if (place.index >= from) {
      actors[place.index - from] = std::move(place.actor);
    }
    kept_.pop_front();
  }
  return actors;
}

void FreshActors::ForgetMonth(absl::CivilMonth month) {
  const Interval interval{absl::FromCivil(month, absl::UTCTimeZone()),
                          absl::FromCivil(month + 1, absl::UTCTimeZone())};
  std::lock_guard lock(mu_);
  if (!Destroyed(interval.begin)) {
    destroyed_.push_back(interval);
  }
  std::deque<Kept> others;
  bytes_ = 0;
  for (Kept& kept : kept_) {
    if (!Destroyed(kept.place.actor->month)) {
      bytes_ += BytesOf(*kept.place.actor);
      others.push_back(std::move(kept));
    }
  }
  kept_ = std::move(others);
}

void FreshActors::ArmTimer(absl::Duration delay) {
  executor_.PostAfter(delay, [weak = weak_from_this()] {
    if (const std::shared_ptr<FreshActors> self = weak.lock(); self != nullptr) {
      self->OnTimer();
    }
  });
}

void FreshActors::OnTimer() {
  const absl::Duration now = clock_.Monotonic();
  absl::Duration delay;
  {
    std::lock_guard lock(mu_);
    DropOverdue(now);
    armed_ = !kept_.empty();
    if (!armed_) {
      return;
    }
    delay = kept_.front().until - now;
  }
  ArmTimer(delay);
}

}  // namespace relais::audit::internal
