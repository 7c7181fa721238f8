// Whether another source's sign is about the same human as a sender record: what consent's log says of
// persons who are one, kept with the record, so that a letter is judged by its record alone (D-1.13,
// LINKED_SIGN).
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "common/base/task.h"
#include "services/alerting/store.h"

namespace relais::alerting {

/// Thread-safe. What is done twice, or in another order for one link, leaves the same.
class LinkedSigns {
 public:
  LinkedSigns(const rpc::ServiceContext& context, AlertingStore& store) : context_(context), store_(store) {}

  /// A leaf PERSONS_LINKED or PERSONS_SPLIT of consent; others, and those that do not name both, change
  /// nothing.
  Task<absl::Status> Apply(audit::FollowedLeaf leaf);
  /// A record was registered as hers since: it has the signs of whom she is one with.
  Task<absl::Status> Registered(Id128 person);

 private:
  Task<absl::Status> Link(Id128 link, Id128 person, Id128 other);
  Task<absl::Status> Split(Id128 link, Id128 person);
  Task<absl::Status> Note(Id128 person);
  Task<absl::Status> Set(Id128 record, bool linked);
  absl::StatusOr<std::vector<Id128>> OneHumanWith(const Id128& person) const;

  const rpc::ServiceContext& context_;
  AlertingStore& store_;
};

}  // namespace relais::alerting
