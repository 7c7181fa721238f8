// Which persons are one human, as consent's log says: kept by the services that follow it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audit/follower.h"
#include "common/audit/log.h"
#include "common/base/id128.h"
#include "common/base/task.h"
#include "common/storage/store.h"

namespace relais::audit {

/// Whether the leaf says that persons are one human (PERSONS_LINKED), or no longer (PERSONS_SPLIT).
[[nodiscard]] bool IsOfLink(const FollowedLeaf& leaf);

/// Thread-safe. Derived rows `with/…` of the person's partition, durable with Apply (docs/formats.md, "Linked
/// persons, followed"). Nothing is kept about a person who is erased here, or about to be. What is applied
/// twice, or in another order for one link, leaves the same. A row that does not read names nobody and is
/// logged as an error.
class FollowedLinks {
 public:
  /// Both of the service that follows.
  FollowedLinks(storage::Store& store, Log& log) : store_(store), log_(log) {}

  /// Notes what a leaf of these classes says: the one that names both does; any other changes nothing.
  /// Answers everybody for whom what the registry decides may be another from here on: whom the leaf is about
  /// and whom it names, each with all who were one human with her before it and who are after it.
  Task<absl::StatusOr<std::vector<Id128>>> Apply(FollowedLeaf leaf);

  /// Nobody's row names her from here on; her own are left to who empties her partition. For who erases her:
  /// the leaf that would say so may never be read, for hers are erased too.
  Task<absl::Status> Forget(Id128 person);

  /// By which names she is known: herself first, then whoever is one human with her.
  [[nodiscard]] absl::StatusOr<std::vector<Id128>> NamesOf(const Id128& person) const;
  /// The same past what does not read: no DATA_LOSS. For who must not take a name that does not read for
  /// none.
  struct ReadableNames {
    std::vector<Id128> names;
    bool all = true;  // false: a row or a stretch of somebody's did not read, and there may be more
  };
  [[nodiscard]] absl::StatusOr<ReadableNames> ReadableNamesOf(const Id128& person) const;

 private:
  struct Between;
  Task<absl::Status> Note(Between between, Id128 at, Id128 other);
  Task<absl::Status> EndAt(Id128 person, std::string key, uint64_t version);
  // For when her own rows do not say where she is named: everybody's are looked at.
  Task<absl::Status> EndWhereNamed(Id128 person);
  absl::Status AddNames(const std::vector<Id128>& persons, std::vector<Id128>& names) const;
  // One that stands: its key, the same at both ends, and the other end; nullopt: it does not read.
  struct Row {
    std::string key;
    std::optional<Id128> other;
  };
  absl::StatusOr<std::optional<Id128>> OtherEnd(const Id128& person, const std::string& key) const;
  absl::StatusOr<std::vector<Row>> RowsOf(const Id128& person) const;
  [[nodiscard]] absl::StatusOr<bool> IsGone(const Id128& person) const;

  storage::Store& store_;
  Log& log_;
};

}  // namespace relais::audit
