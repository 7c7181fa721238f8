// Agreements whose period ended, said once in the log (D-2.12).
//
// The log is a replayable sequence of events, and an end that only a clock knows is none: so each agreement
// that reaches its end with something left in it gets one EVENT_CLASS_CONSENT_EXPIRED about the person, at or
// soon after that instant. It is information. Decisions look at the period themselves and need no timer.
//
// Every end stands in a due-list before its agreement does (`EndOf` is committed first), in one of 64 index
// buckets, ordered by instant. A look takes what is due: leaf and a row that says it was written are one
// commit in the person's partition; then the entry goes. A crash at any step leaves an entry that the next
// look finds again. The event id follows from agreement and end, so that nobody can take one expiry for two.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/task.h"
#include "services/consent/handlers/registry.h"

namespace relais::consent {

/// What has to be durable before an agreement that ends then: its entry in the due-list.
[[nodiscard]] storage::CommitRequest EndOf(const rpc::ServiceContext& context, const Id128& person,
                                           const Id128& agreement, absl::Time end);
/// Takes every end of hers out of the due-list, which is read whole for it: she is being erased.
[[nodiscard]] Task<absl::Status> ForgetEnds(const rpc::ServiceContext& context, Id128 person);
/// The event id of that agreement's expiry at that end.
[[nodiscard]] Id128 ExpiryEventId(const Id128& agreement, absl::Time end);

/// Thread-safe. `Run` looks every `interval` until stopped, escalates overdue reviews (duties.h) and removes
/// notices of erasures that were kept long enough (erased_notices.h).
class Expiries {
 public:
  Expiries(Registry& registry, absl::Duration interval)
      : registry_(registry),
        interval_(interval),
        stop_(registry.context.executor),
        stopped_(registry.context.executor) {}

  void Start();
  /// Resumes when nothing is in flight.
  Task<bool> Stop();

  /// One look at everything that is due now: the number of expiries written. One look at a time.
  Task<int> LookOnce();

 private:
  struct Due {
    std::string key;
    Id128 person;
    Id128 agreement;
    absl::Time end;
  };

  Task<void> Run();
  Task<absl::StatusOr<int>> LookAt(uint8_t bucket);
  // True when an expiry was written.
  Task<absl::StatusOr<bool>> Settle(storage::Partition bucket, Due due);
  Task<absl::StatusOr<bool>> WriteExpiry(Due due);
  [[nodiscard]] absl::StatusOr<storage::Page> PageOf(const storage::Partition& bucket,
                                                     const std::string& from) const;

  Registry& registry_;
  const absl::Duration interval_;
  bool started_ = false;
  OneShot<bool> stop_;
  OneShot<bool> stopped_;
};

}  // namespace relais::consent
