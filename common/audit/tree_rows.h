// The tree as rows of a store. Private to common/audit.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/big_endian.h"
#include "common/merkle/tree.h"
#include "common/storage/store.h"

namespace relais::audit::internal {

/// Levels of the tree whose rows lie together: those of 256 nodes of the level below them.
inline constexpr uint32_t kTileLevels = 8;

/// Which tiles hold the nodes of a level (at least 1): 0 those of levels 1 to 8, and so on.
[[nodiscard]] inline uint32_t TileLevel(uint32_t level) { return (level - 1) / kTileLevels; }

/// Row key of a complete subtree's root, of level 1 or more: tile level, 1 byte; number of the tile in that
/// level, 8 bytes big-endian; place within the tile, 1 byte. Places go in the order in which nodes are
/// completed, so rows of a tile level are only ever appended, and a proof reads few and small places of the
/// store.
[[nodiscard]] std::string NodeKey(const merkle::NodeId& id);

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
