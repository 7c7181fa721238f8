#include "common/merkle/tiles.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/text.h"

namespace relais::merkle {
namespace {

constexpr size_t kLengthSize = 2;
constexpr std::string_view kTilePrefix = "tile/";

// "x001/x234/067"
std::string IndexPath(uint64_t index) {
  std::string path = absl::StrFormat("%03d", index % 1000);
  for (index /= 1000; index > 0; index /= 1000) {
    path.insert(0, absl::StrFormat("x%03d/", index % 1000));
  }
  return path;
}

std::string Suffix(uint32_t width) { return width == kTileWidth ? "" : absl::StrCat(".p/", width); }

// The three digits of a path element that begins with `lead`.
std::optional<uint64_t> Digits(std::string_view element, std::string_view lead) {
  if (element.substr(0, lead.size()) != lead || element.size() != lead.size() + 3) {
    return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : element.substr(lead.size())) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

absl::Status NoPath() { return absl::InvalidArgumentError("not the path of a tile"); }

std::string Join(const std::vector<Hash>& hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * kHashSize);
  for (const Hash& hash : hashes) {
    bytes.append(AsBytes(hash));
  }
  return bytes;
}

}  // namespace

std::string TilePath(const TileId& tile) {
  return absl::StrCat("tile/", tile.level, "/", IndexPath(tile.index), Suffix(tile.width));
}

std::string BundlePath(uint64_t index, uint32_t width) {
  return absl::StrCat("tile/entries/", IndexPath(index), Suffix(width));
}

absl::StatusOr<TileResource> ParseTilePath(std::string_view path) {
  if (path.substr(0, kTilePrefix.size()) != kTilePrefix) {
    return NoPath();
  }
  std::vector<std::string_view> parts = crypto::internal::Split(path.substr(kTilePrefix.size()), '/');
  TileResource resource;
  resource.entries = parts[0] == "entries";
  if (!resource.entries) {
    const absl::StatusOr<uint64_t> level = crypto::ParseDecimal(parts[0]);
    if (!level.ok() || *level >= kTileLevels) {
      return NoPath();
    }
    resource.tile.level = static_cast<uint32_t>(*level);
  }
  parts.erase(parts.begin());
  if (parts.size() >= 2 && parts[parts.size() - 2].size() == 5 && parts[parts.size() - 2].substr(3) == ".p") {
    const absl::StatusOr<uint64_t> width = crypto::ParseDecimal(parts.back());
    if (!width.ok() || *width == 0 || *width >= kTileWidth) {
      return NoPath();
    }
    resource.tile.width = static_cast<uint32_t>(*width);
    parts.pop_back();
    parts.back().remove_suffix(2);
  }
  constexpr size_t kMostElements = 6;  // 2^54 tiles
  if (parts.empty() || parts.size() > kMostElements) {
    return NoPath();
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::optional<uint64_t> digits = Digits(parts[i], i + 1 < parts.size() ? "x" : "");
    if (!digits.has_value()) {
      return NoPath();
    }
    resource.tile.index = resource.tile.index * 1000 + *digits;
  }
  const std::string spelt =
      resource.entries ? BundlePath(resource.tile.index, resource.tile.width) : TilePath(resource.tile);
  return spelt == path ? absl::StatusOr<TileResource>(resource) : NoPath();
}

uint64_t HashesAtLevel(uint32_t level, uint64_t size) {
  return level < kTileLevels ? size >> (kTileHeight * level) : 0;
}

uint32_t WidthOfTile(uint32_t level, uint64_t index, uint64_t size) {
  const uint64_t hashes = HashesAtLevel(level, size);
  const uint64_t before = index * kTileWidth;
  return hashes <= before ? 0 : static_cast<uint32_t>(std::min<uint64_t>(kTileWidth, hashes - before));
}

absl::StatusOr<std::string> BuildTile(const TileId& tile, const NodeReader& read) {
  std::string bytes;
  bytes.reserve(tile.width * kHashSize);
  for (uint32_t i = 0; i < tile.width; ++i) {
    ASSIGN_OR_RETURN(const Hash hash, read({kTileHeight * tile.level, tile.index * kTileWidth + i}));
    bytes.append(AsBytes(hash));
  }
  return bytes;
}

absl::StatusOr<std::vector<Hash>> ParseTile(std::string_view bytes, uint32_t width) {
  if (bytes.size() != width * kHashSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("tile: ", bytes.size(), " bytes, not ", width, " hashes of ", kHashSize));
  }
  std::vector<Hash> hashes;
  hashes.reserve(width);
  for (; !bytes.empty(); bytes.remove_prefix(kHashSize)) {
    ASSIGN_OR_RETURN(const Hash hash, HashFromBytes(bytes.substr(0, kHashSize)));
    hashes.push_back(hash);
  }
  return hashes;
}

Hash FoldComplete(std::span<const Hash> hashes) {
  std::vector<Hash> row(hashes.begin(), hashes.end());
  while (row.size() > 1) {
    for (size_t i = 0; i < row.size() / 2; ++i) {
      row[i] = HashNode(row[2 * i], row[2 * i + 1]);
    }
    row.resize(row.size() / 2);
  }
  return row.front();
}

NodeReader NodesFromTiles(uint64_t size, TileReader read) {
  struct Cached {
    TileId id;
    std::vector<Hash> hashes;
  };
  auto cache = std::make_shared<std::map<uint32_t, Cached>>();
  return [size, read = std::move(read), cache](NodeId node) -> absl::StatusOr<Hash> {
    const uint32_t level = node.level / kTileHeight;
    const uint32_t height = node.level % kTileHeight;
    const uint64_t first = node.index << height;
    TileId id{level, first / kTileWidth, 0};
    id.width = WidthOfTile(level, id.index, size);
    const size_t at = first % kTileWidth;
    const size_t count = size_t{1} << height;
    if (at + count > id.width) {
      return absl::InvalidArgumentError("tiles: no such node in a tree of that size");
    }
    Cached& cached = (*cache)[level];
    if (cached.hashes.empty() || !(cached.id == id)) {
      ASSIGN_OR_RETURN(cached.hashes, read(id));
      cached.id = id;
    }
    if (cached.hashes.size() != id.width) {
      return absl::InvalidArgumentError("tiles: a tile of another width");
    }
    return FoldComplete(std::span(cached.hashes).subspan(at, count));
  };
}

absl::Status AppendEntry(std::string& bundle, std::string_view entry) {
  if (entry.size() > kMaxEntrySize) {
    return absl::InvalidArgumentError("bundle: an entry is longer than 65,535 bytes");
  }
  bundle.push_back(static_cast<char>(entry.size() >> 8));
  bundle.push_back(static_cast<char>(entry.size()));
  bundle.append(entry);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string_view>> ParseBundle(std::string_view bytes, uint32_t count) {
  std::vector<std::string_view> entries;
  size_t at = 0;
  while (entries.size() < count) {
    const size_t left = bytes.size() - at;
    size_t length = 0;
    if (left >= kLengthSize) {
      length =
          static_cast<size_t>(static_cast<uint8_t>(bytes[at])) << 8 | static_cast<uint8_t>(bytes[at + 1]);
    }
    if (left < kLengthSize || left - kLengthSize < length) {
      return absl::InvalidArgumentError(
          absl::StrCat("bundle: it ends within entry ", entries.size(), ", which begins at byte ", at));
    }
    entries.push_back(bytes.substr(at + kLengthSize, length));
    at += kLengthSize + length;
  }
  if (at != bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("bundle: bytes after entry ", count - 1, ", from byte ", at));
  }
  return entries;
}

absl::StatusOr<TileBuilder> TileBuilder::Resume(uint64_t size, const TileReader& read) {
  if (size > kMaxTreeSize) {
    return absl::InvalidArgumentError("tiles: tree too large");
  }
  TileBuilder builder;
  builder.size_ = size;
  for (uint32_t level = 0; HashesAtLevel(level, size) > 0; ++level) {
    builder.edge_.emplace_back();
    const uint64_t hashes = HashesAtLevel(level, size);
    if (hashes % kTileWidth == 0) {
      continue;
    }
    const auto width = static_cast<uint32_t>(hashes % kTileWidth);
    ASSIGN_OR_RETURN(builder.edge_.back(), read({level, hashes / kTileWidth, width}));
    if (builder.edge_.back().size() != width) {
      return absl::InvalidArgumentError("tiles: a tile of another width");
    }
  }
  return builder;
}

void TileBuilder::Append(const Hash& leaf_hash, std::vector<Tile>* full) {
  ++size_;
  Hash hash = leaf_hash;
  for (uint32_t level = 0;; ++level) {
    if (level == edge_.size()) {
      edge_.emplace_back();
      edge_.back().reserve(kTileWidth);
    }
    std::vector<Hash>& edge = edge_[level];
    edge.push_back(hash);
    if (edge.size() < kTileWidth) {
      return;
    }
    hash = FoldComplete(edge);
    if (full != nullptr) {
      full->push_back({{level, HashesAtLevel(level, size_) / kTileWidth - 1, kTileWidth}, Join(edge)});
    }
    edge.clear();
  }
}

std::vector<TileBuilder::Tile> TileBuilder::Partial() const {
  std::vector<Tile> tiles;
  for (uint32_t level = 0; level < edge_.size(); ++level) {
    if (!edge_[level].empty()) {
      tiles.push_back(
          {{level, HashesAtLevel(level, size_) / kTileWidth, static_cast<uint32_t>(edge_[level].size())},
           Join(edge_[level])});
    }
  }
  return tiles;
}

Hash TileBuilder::root() const {
  std::vector<Hash> subtrees;
  for (size_t level = edge_.size(); level-- > 0;) {
    std::span<const Hash> rest(edge_[level]);
    while (!rest.empty()) {
      const size_t count = std::bit_floor(rest.size());
      subtrees.push_back(FoldComplete(rest.first(count)));
      rest = rest.subspan(count);
    }
  }
  return FoldSubtrees(subtrees);
}

}  // namespace relais::merkle
