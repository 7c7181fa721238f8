// Finding a leaf again by its class and event id, from where it can be at the earliest. Private to
// common/audit.
#pragma once

#include "absl/status/statusor.h"
#include "common/audit/log.h"

namespace relais::audit::internal {

/// Reads the log from `from` on. NOT_FOUND when there is none.
inline absl::StatusOr<uint64_t> FindLeaf(Log& log, uint64_t from, audit::v1::EventClass event_class,
                                         const Id128& event_id) {
  constexpr size_t kAtOnce = 500;
  const std::string wanted = event_id.ToBytes();
  for (;;) {
    absl::StatusOr<std::vector<std::string>> leaves = log.ReadLeaves(from, kAtOnce);
    if (!leaves.ok()) {
      return leaves.status();
    }
    if (leaves->empty()) {
      return absl::NotFoundError("no such leaf");
    }
    for (const std::string& bytes : *leaves) {
      const absl::StatusOr<Leaf> leaf = ParseLeaf(bytes);
      if (leaf.ok() && leaf->header.event_class() == event_class && leaf->header.event_id() == wanted) {
        return from;
      }
      ++from;
    }
  }
}

}  // namespace relais::audit::internal
