// Which leaves satisfy an auditor's filters, page by page.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/audit/event.h"
#include "common/audit/index.h"
#include "common/audit/log.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/base/task.h"

namespace relais::audit {

/// What a leaf must satisfy: all that is set. Empty, zero, UNSPECIFIED: not asked.
struct LeafQuery {
  std::optional<Subject> subject;
  std::string institution;
  std::string recipient;
  std::string purpose;
  std::string category;
  common::v1::Ground ground = common::v1::GROUND_UNSPECIFIED;
  common::v1::Decision decision = common::v1::DECISION_UNSPECIFIED;
  std::string denial_reason;
  std::set<audit::v1::EventClass> event_classes;
  std::string relation;
  std::string agent;  // of `institution`
  std::string certificate;
  uint64_t directory_version = 0;
  absl::Time from = absl::InfinitePast();  // inclusive
  absl::Time to = absl::InfiniteFuture();  // exclusive
  /// Only leaves of this institution's own acts and those addressed to it: a DPO's scope. Empty: all.
  std::string own;
};

/// A leaf that satisfies a query.
struct QueryHit {
  OpenedLeaf leaf;
  std::optional<audit::v1::LeafActor> actor;  // nullopt: the month's key is destroyed
};

/// Whether an act is the institution's, or addressed to it. What is sealed in an erased leaf says nothing.
[[nodiscard]] bool IsOwn(std::string_view institution, const OpenedLeaf& leaf);

/// What can be told without opening anything; of the subject nothing is.
[[nodiscard]] bool HeaderMatches(const LeafQuery& query, const Leaf& leaf);
/// The whole of it. `actor`: nullopt when it does not open.
[[nodiscard]] bool Matches(const LeafQuery& query, const OpenedLeaf& leaf,
                           const std::optional<audit::v1::LeafActor>& actor);

/// The part of the log that is still to be looked at: leaves [from, to).
struct QueryRange {
  uint64_t from = 0;
  uint64_t to = 0;
  bool newest_first = true;
  [[nodiscard]] bool empty() const { return from >= to; }
};

struct QueryLimits {
  size_t hits = 50;
  size_t bytes = size_t{700} << 10;  // of what the hits hold, about
  size_t looked_at = 50'000;         // leaves and index segments
  absl::Duration time = absl::Milliseconds(800);
};

struct QueryPage {
  std::vector<QueryHit> hits;  // in the range's order
  QueryRange rest;             // empty: all was looked at
  uint64_t indexed = 0;        // the indexes were used below
};

/// The next page: ends when a limit is reached or the range is. Always progresses. Complete: leaves that are
/// not indexed are read. Runs on `executor`, which it gives back between blocks of some hundred leaves.
/// `log`, `index`, `clock` and `executor` outlive it.
Task<absl::StatusOr<QueryPage>> RunQuery(Log& log, const Index& index, LeafQuery query, QueryRange range,
                                         QueryLimits limits, Clock& clock, Executor& executor);

/// The range of a log of this size in which the query's period lies; O(log n) leaves are read.
[[nodiscard]] absl::StatusOr<QueryRange> RangeOf(Log& log, const LeafQuery& query, uint64_t size,
                                                 bool newest_first);

}  // namespace relais::audit
