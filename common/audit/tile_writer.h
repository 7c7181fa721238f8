// Writes a log's leaves, as they come, into a tiled folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/audit/tile_folder.h"
#include "common/merkle/tiles.h"

namespace relais::audit {

/// Bundles and tiles are written once they are full; the partial ones when asked. Holds one bundle and one
/// partial tile per level, whatever the size of the log. The folder outlives it. Not thread-safe.
class TileWriter {
 public:
  /// Goes on after the first `size` leaves, whose partial tiles and bundle the folder must hold: DATA_LOSS
  /// names what is missing or damaged. The root is the caller's to check.
  static absl::StatusOr<TileWriter> Resume(TileFolder& folder, uint64_t size);

  /// INVALID_ARGUMENT for a leaf that is too long for a bundle; UNAVAILABLE from the file system.
  absl::Status Add(std::string_view leaf);
  /// Takes a full bundle that the folder has already, at this place. INVALID_ARGUMENT unless it is one.
  absl::Status AddStored(std::string_view bundle);
  /// Writes what is not full.
  absl::Status WritePartial();

  [[nodiscard]] uint64_t size() const { return tiles_.size(); }
  [[nodiscard]] merkle::Hash root() const { return tiles_.root(); }
  /// Nodes of the tree as it is now, from what was written and, for the right edge, from memory.
  [[nodiscard]] merkle::NodeReader Nodes() const;
  /// A leaf's bytes, likewise.
  [[nodiscard]] absl::StatusOr<std::string> Leaf(uint64_t index) const;

 private:
  TileWriter(TileFolder& folder, merkle::TileBuilder tiles, std::string bundle)
      : folder_(&folder), tiles_(std::move(tiles)), bundle_(std::move(bundle)) {}
  absl::Status WriteFull();

  TileFolder* folder_;
  merkle::TileBuilder tiles_;
  std::string bundle_;                           // entries not in a full bundle yet
  std::vector<merkle::TileBuilder::Tile> full_;  // scratch
};

}  // namespace relais::audit
