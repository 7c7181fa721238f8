// Whether another source's sign is about the same human as a sender record: what consent's log says of
// persons who are one, kept with the record, so that a letter is judged by its record alone (D-1.13,
// LINKED_SIGN).
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/followed_links.h"
#include "common/base/task.h"
#include "services/alerting/store.h"

namespace relais::alerting {

/// Thread-safe. What is done twice, or in another order, leaves the same: a record's mark is made of what is
/// stored, and made again after each change of it until nothing is left to change.
class LinkedSigns {
 public:
  LinkedSigns(const rpc::ServiceContext& context, const AlertingStore& store)
      : context_(context), store_(store), links_(context.store, context.log) {}

  /// A leaf PERSONS_LINKED or PERSONS_SPLIT of consent.
  Task<absl::Status> Apply(audit::FollowedLeaf leaf);
  /// Her records, or what stands in them, changed: registered, another report, rows or a record removed.
  Task<absl::Status> Changed(Id128 person);
  /// The same of everybody who was registered under that record.
  Task<absl::Status> RecordChanged(Id128 record);
  /// She is being erased: nobody is one human with her any more.
  Task<absl::Status> Forget(Id128 person);

 private:
  struct SourceRecord {
    Id128 id;
    std::string institution;
    bool counts = false;
  };
  Task<absl::Status> Note(std::vector<Id128> names);
  Task<absl::StatusOr<bool>> Set(Id128 record, bool linked);
  absl::StatusOr<std::vector<SourceRecord>> RecordsOf(const std::vector<Id128>& names) const;
  [[nodiscard]] absl::StatusOr<bool> Counts(const Id128& record) const;

  const rpc::ServiceContext& context_;
  const AlertingStore& store_;
  audit::FollowedLinks links_;
};

}  // namespace relais::alerting
