// What a run of consecutive leaves adds to the indexes. Private to common/audit.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/index_format.h"
#include "common/audit/log.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// Not thread-safe; reads the log's keys and writes nothing.
class IndexRun {
 public:
  IndexRun(Log& log, const Secret& key, uint32_t generation, uint64_t first)
      : log_(log), key_(key), generation_(generation), first_(first), next_(first) {}

  /// Leaves in order. The first must not be at or beyond `limit()`.
  absl::Status Add(const LeafForIndex& leaf);
  [[nodiscard]] uint64_t next() const { return next_; }
  /// Where the run must end: its size and the segment's end.
  [[nodiscard]] uint64_t limit() const;

  /// The commits that write the rows, first the catalogue of the partitions that are not in `known`. The
  /// state is not among them.
  [[nodiscard]] std::vector<storage::CommitRequest> Commits(
      const absl::flat_hash_set<std::string>& known) const;
  /// The catalogue's keys of the partitions that Commits writes to.
  [[nodiscard]] std::vector<std::string> Catalogued() const;
  /// Months whose keys were destroyed, by leaves of this run.
  [[nodiscard]] const std::set<std::string>& destroyed_months() const { return destroyed_; }

 private:
  using Postings = absl::flat_hash_map<std::string, std::vector<uint64_t>>;  // by value
  using Dimensions = std::array<Postings, kDimensions + 1>;                  // by number
  struct Month {
    std::string name;
    absl::Time end;
    Secret key;  // empty: destroyed
    Dimensions postings;
  };

  static void Note(Dimensions& postings, Dimension dimension, std::string_view value, uint64_t index);
  absl::Status AddActor(const LeafForIndex& leaf);
  // Looked up once a run; null when its key is destroyed.
  absl::StatusOr<Month*> MonthOf(absl::Time time);
  // Calls `use` with the month ("" for what no month seals), its key, a dimension and its values, for each
  // that has some, in the order of the catalogue.
  template <typename Use>
  void ForEach(const Use& use) const;
  [[nodiscard]] uint64_t segment() const { return first_ / kSegmentLeaves; }
  void AddCommits(const Secret& key, Dimension dimension, const Postings& postings,
                  std::vector<storage::CommitRequest>& commits) const;

  Log& log_;
  const Secret& key_;
  const uint32_t generation_;
  const uint64_t first_;
  uint64_t next_;
  Dimensions postings_;                 // what no month seals
  std::map<absl::Time, Month> months_;  // by their beginning
  std::set<std::string> destroyed_;
};

}  // namespace relais::audit::internal
