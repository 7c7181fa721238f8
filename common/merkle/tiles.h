// Tiled logs (c2sp.org/tlog-tiles): paths, hash tiles, entry bundles. Pure.
//
// Tile (level, index) holds up to 256 consecutive hashes; hash i of a level is the root of the complete
// subtree over leaves [i·256^level, (i+1)·256^level), which is node (8·level, i) of tree.h.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/merkle/tree.h"

namespace relais::merkle {

inline constexpr uint32_t kTileHeight = 8;
inline constexpr uint32_t kTileWidth = 256;
/// Levels that a tree of at most kMaxTreeSize leaves has.
inline constexpr uint32_t kTileLevels = 8;
/// Longest entry: its length is two bytes in a bundle.
inline constexpr size_t kMaxEntrySize = 65'535;

struct TileId {
  uint32_t level = 0;
  uint64_t index = 0;
  uint32_t width = kTileWidth;  // less: the partial tile of a tree that ends in it

  friend bool operator==(const TileId&, const TileId&) = default;
};

/// "tile/0/x001/x234/067", with ".p/<width>" for a partial one.
[[nodiscard]] std::string TilePath(const TileId& tile);
/// "tile/entries/000.p/12": the bundle of the entries whose hashes tile (0, index) holds.
[[nodiscard]] std::string BundlePath(uint64_t index, uint32_t width);

/// What a path below a tiled log's prefix names.
struct TileResource {
  bool entries = false;  // a bundle; `tile.level` is 0
  TileId tile;
};
/// Accepts exactly what TilePath and BundlePath write. INVALID_ARGUMENT otherwise.
[[nodiscard]] absl::StatusOr<TileResource> ParseTilePath(std::string_view path);

/// How many hashes a level has in a tree of `size` leaves.
[[nodiscard]] uint64_t HashesAtLevel(uint32_t level, uint64_t size);
/// How wide the tile is in a tree of `size` leaves; 0 when it is not there.
[[nodiscard]] uint32_t WidthOfTile(uint32_t level, uint64_t index, uint64_t size);

/// The bytes of a tile from the nodes it holds. Errors of `read` are passed on.
[[nodiscard]] absl::StatusOr<std::string> BuildTile(const TileId& tile, const NodeReader& read);
/// INVALID_ARGUMENT unless `bytes` are that many hashes.
[[nodiscard]] absl::StatusOr<std::vector<Hash>> ParseTile(std::string_view bytes, uint32_t width);
/// The root over a number of hashes that is a power of two.
[[nodiscard]] Hash FoldComplete(std::span<const Hash> hashes);

/// Reads the hashes of a tile. Its errors are passed on unchanged.
using TileReader = std::function<absl::StatusOr<std::vector<Hash>>(const TileId&)>;
/// The nodes of a tree of `size` leaves, computed from its tiles. Not thread-safe: keeps the last tile read
/// of each level.
[[nodiscard]] NodeReader NodesFromTiles(uint64_t size, TileReader read);

/// Appends an entry to a bundle. INVALID_ARGUMENT for one longer than kMaxEntrySize.
absl::Status AppendEntry(std::string& bundle, std::string_view entry);
/// The entries of a bundle, pointing into it. INVALID_ARGUMENT, naming the entry and byte, unless it holds
/// exactly `count`.
[[nodiscard]] absl::StatusOr<std::vector<std::string_view>> ParseBundle(std::string_view bytes,
                                                                        uint32_t count);

/// Makes tiles of leaf hashes that come in order. A value: at most 255 hashes per level. Not thread-safe.
class TileBuilder {
 public:
  struct Tile {
    TileId id;
    std::string hashes;
  };

  /// The empty tree.
  TileBuilder() = default;
  /// The tree of `size` leaves, from its partial tiles.
  [[nodiscard]] static absl::StatusOr<TileBuilder> Resume(uint64_t size, const TileReader& read);

  /// Appends a leaf by its hash; the tiles that become full are added to `*full`, lowest first.
  void Append(const Hash& leaf_hash, std::vector<Tile>* full);
  /// The partial tiles of the tree as it is now, lowest first.
  [[nodiscard]] std::vector<Tile> Partial() const;

  [[nodiscard]] uint64_t size() const { return size_; }
  /// At most a few hundred hashes' work.
  [[nodiscard]] Hash root() const;

 private:
  uint64_t size_ = 0;
  std::vector<std::vector<Hash>> edge_;  // by level: what is not in a full tile yet
};

}  // namespace relais::merkle
