// What a run of consecutive leaves adds to the indexes. Private to common/audit.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
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
  absl::Status Add(const OpenedLeaf& leaf);
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
  using Place = std::pair<std::string, Dimension>;                           // month or "", dimension
  using Postings = absl::flat_hash_map<std::string, std::vector<uint64_t>>;  // by value

  void Note(const std::string& month, const IndexedValue& value, uint64_t index);
  absl::Status AddActor(const OpenedLeaf& leaf);
  [[nodiscard]] uint64_t segment() const { return first_ / kSegmentLeaves; }
  [[nodiscard]] const Secret& KeyOf(const std::string& month) const;
  void AddCommits(const Place& place, const Postings& postings,
                  std::vector<storage::CommitRequest>& commits) const;

  Log& log_;
  const Secret& key_;
  const uint32_t generation_;
  const uint64_t first_;
  uint64_t next_;
  std::map<Place, Postings> postings_;
  std::map<std::string, Secret> month_keys_;
  std::set<std::string> destroyed_;
};

}  // namespace relais::audit::internal
