// The tree as rows of a store. Private to common/audit.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/big_endian.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// Row key of a complete subtree's root: level, 1 byte, at least 1; index, 8 bytes big-endian.
[[nodiscard]] inline std::string NodeKey(const merkle::NodeId& id) {
  std::string key(1, static_cast<char>(id.level));
  AppendBigEndian64(key, id.index);
  return key;
}

/// Reads O(log n) rows per call. Thread-safe as the store is. DATA_LOSS when a row is missing or malformed.
class TreeRows {
 public:
  explicit TreeRows(const storage::Store& store) : store_(store) {}

  /// Leaves in the store.
  [[nodiscard]] absl::StatusOr<uint64_t> Size() const;
  [[nodiscard]] absl::StatusOr<std::string> Leaf(uint64_t index) const;
  [[nodiscard]] absl::StatusOr<merkle::Hash> Node(const merkle::NodeId& id) const;
  /// The right edge of the tree of the first `size` leaves.
  [[nodiscard]] absl::StatusOr<merkle::Frontier> Range(uint64_t size) const;
  [[nodiscard]] absl::StatusOr<std::vector<merkle::Hash>> Inclusion(uint64_t index, uint64_t size) const;
  [[nodiscard]] absl::StatusOr<std::vector<merkle::Hash>> Consistency(uint64_t old_size,
                                                                      uint64_t new_size) const;

 private:
  [[nodiscard]] merkle::NodeReader Reader() const;

  const storage::Store& store_;
};

}  // namespace relais::audit::internal
