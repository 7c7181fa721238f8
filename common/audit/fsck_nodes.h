// The node rows of a store against the nodes that its leaves make. Private to common/audit.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "common/audit/findings.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// Takes nodes in the order in which a growing tree completes them and reads the rows of each level once, in
/// order. Not thread-safe.
class NodeRowCheck {
 public:
  NodeRowCheck(const storage::Store& store, Findings& findings) : store_(store), findings_(findings) {}

  absl::Status Expect(const merkle::Node& node);
  /// Rows that no leaf made; then says of every row that differed whether the row or a leaf is wrong.
  /// `proven`: the first so many leaves lead to a signed root, so they are right.
  absl::Status Finish(uint64_t proven);

 private:
  struct Tiles {
    std::deque<storage::Store::LogEntry> page;
    std::string next;  // key to read on from; empty: from the first
    bool ended = false;
  };
  absl::StatusOr<storage::Store::LogEntry*> Peek(uint32_t tile_level);
  void Pop(uint32_t tile_level) { tiles_[tile_level].page.pop_front(); }
  void Unexpected(const storage::Store::LogEntry& row);
  void Judge(uint64_t proven);

  const storage::Store& store_;
  Findings& findings_;
  std::map<uint32_t, Tiles> tiles_;  // by tile level
  std::set<merkle::NodeId> differ_;
};

}  // namespace relais::audit::internal
