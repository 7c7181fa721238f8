// Who acted in the leaves that became durable last, in the clear, until the index takes it. Private to
// common/audit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/audit/drafted.h"
#include "common/base/clock.h"
#include "common/base/executor.h"

namespace relais::audit::internal {

/// What part R says may be known only while the month's key is held, and is nobody's business but the index's
/// (ADR 33). So an actor leaves this queue when the index takes it, when the index passes it, when its
/// month's key is destroyed, a minute after it came, and, the oldest first, when more than kMost or
/// kMostBytes are here. Nothing is kept unless somebody takes: from the first Take on, until something stayed
/// for the minute. Who finds nothing here opens part R.
///
/// Thread-safe. Always owned by a shared_ptr; a timer holds it weakly. Clock and executor outlive it.
class FreshActors : public std::enable_shared_from_this<FreshActors> {
 public:
  static constexpr size_t kMost = 4096;
  static constexpr size_t kMostBytes = size_t{1} << 20;  // of names
  static constexpr absl::Duration kLongest = absl::Minutes(1);

  using Actor = std::shared_ptr<const DraftedActor>;
  struct Place {
    uint64_t index = 0;  // of the leaf
    Actor actor;         // not null
  };

  FreshActors(const Clock& clock, Executor& executor) : clock_(clock), executor_(executor) {}

  /// Of leaves that are durable now, ascending, after all that came before.
  void Add(std::vector<Place> places);
  /// One for each of the leaves [from, from + count); null: not here. They and all before them are forgotten.
  [[nodiscard]] std::vector<Actor> Take(uint64_t from, size_t count);
  /// The key of this month (UTC) is destroyed: nobody of it is kept, nor taken in later.
  void ForgetMonth(absl::CivilMonth month);

 private:
  struct Kept {
    Place place;
    absl::Duration until;  // monotonic
  };
  struct Interval {
    absl::Time begin;
    absl::Time end;
  };
  static size_t BytesOf(const DraftedActor& actor) { return actor.agent.size() + actor.certificate.size(); }

  void DropFront();                      // the caller holds the lock
  void DropOverdue(absl::Duration now);  // the caller holds the lock
  [[nodiscard]] bool Destroyed(absl::Time month) const;
  void ArmTimer(absl::Duration delay);
  void OnTimer();

  const Clock& clock_;
  Executor& executor_;
  std::mutex mu_;  // all that follows
  std::deque<Kept> kept_;
  size_t bytes_ = 0;
  bool taken_ = false;  // somebody takes
  bool armed_ = false;  // the timer runs
  std::vector<Interval> destroyed_;
};

}  // namespace relais::audit::internal
