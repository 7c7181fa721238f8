#include "common/audit/fsck_tiles.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/audit/checkpoint_findings.h"
#include "common/audit/leaf.h"
#include "common/base/status.h"
#include "common/merkle/tiles.h"

namespace relais::audit {
namespace {

using merkle::Checkpoint;
using merkle::Hash;
using merkle::kHashSize;
using merkle::kTileWidth;
using merkle::TileBuilder;
using merkle::TileId;

std::string Bytes(const std::string& path, size_t from, size_t size) {
  return size == 0 ? absl::StrCat(path, " byte ", from)
                   : absl::StrCat(path, " bytes ", from, "-", from + size - 1);
}

// Leaves in their order: form and time.
class LeafRules {
 public:
  void Check(uint64_t index, std::string_view bytes, const std::string& where, Findings& findings) {
    const absl::StatusOr<Leaf> leaf = ParseLeaf(bytes);
    if (!leaf.ok()) {
      findings.Add(where, absl::StrCat("leaf ", index, ": ", leaf.status().message()));
      return;
    }
    if (last_.has_value() && leaf->time < *last_) {
      findings.Add(where, absl::StrCat("leaf ", index, ": its time is before the previous leaf's"));
    }
    last_ = leaf->time;
  }

 private:
  std::optional<absl::Time> last_;
};

// What the folder holds of one tile, and where it differs from what its children say.
struct Difference {
  TileId tile;
  std::vector<uint32_t> hashes;  // places in the tile
};

class Check {
 public:
  Check(const TileFolder& folder, const FsckTilesOptions& options, Findings& findings)
      : folder_(folder), options_(options), findings_(findings) {}

  absl::Status Run() {
    ASSIGN_OR_RETURN(const std::optional<std::string> note, folder_.Read(kCheckpointFile));
    if (!note.has_value()) {
      findings_.Add(std::string(kCheckpointFile), "missing");
      return absl::OkStatus();
    }
    const std::optional<Checkpoint> checkpoint =
        ReadCheckpoint(*note, kCheckpointFile, options_.verifiers, &trusted_, findings_);
    if (!checkpoint.has_value()) {
      return absl::OkStatus();
    }
    size_ = checkpoint->size;
    if (!trusted_ && !PlausibleSize()) {
      findings_.Add("checkpoint line 2", "its tree size fits nothing in this folder");
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Bundles());
    RETURN_IF_ERROR(Tiles());
    Judge(*checkpoint);
    return OtherFiles();
  }

 private:
  // A size nobody signed could make us look for an endless number of files.
  [[nodiscard]] bool PlausibleSize() const {
    if (size_ > merkle::kMaxTreeSize) {
      return false;
    }
    return size_ == 0 || folder_
                             .ReadTile({0, (size_ - 1) / kTileWidth,
                                        merkle::WidthOfTile(0, (size_ - 1) / kTileWidth, size_)})
                             .ok();
  }

  // Leaves against level 0, and the levels that they build.
  absl::Status Bundles() {
    for (uint64_t index = 0; index * kTileWidth < size_; ++index) {
      const uint32_t width = merkle::WidthOfTile(0, index, size_);
      ASSIGN_OR_RETURN(const std::optional<std::vector<Hash>> hashes, BundleHashes(index, width));
      ASSIGN_OR_RETURN(const std::optional<std::vector<Hash>> tile, StoredTile({0, index, width}));
      if (!hashes.has_value() && !tile.has_value()) {
        broken_ = true;  // both are named already
        return absl::OkStatus();
      }
      Difference difference{{0, index, width}, {}};
      for (uint32_t i = 0; i < width; ++i) {
        const Hash& leaf = hashes.has_value() ? (*hashes)[i] : (*tile)[i];
        if (tile.has_value() && leaf != (*tile)[i]) {
          difference.hashes.push_back(i);
        }
        from_leaves_.Append(leaf, &made_of_leaves_);
        from_tiles_.Append(tile.has_value() ? (*tile)[i] : leaf, &made_of_tiles_);
      }
      Keep(std::move(difference), differences_);
      RETURN_IF_ERROR(CompareHigher());
      if (options_.progress) {
        options_.progress(std::min(size_, (index + 1) * kTileWidth));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<std::vector<Hash>>> BundleHashes(uint64_t index, uint32_t width) {
    const std::string path = merkle::BundlePath(index, width);
    const absl::StatusOr<std::string> bytes = folder_.ReadBundle(index, width);
    if (!bytes.ok()) {
      if (absl::IsUnavailable(bytes.status())) {
        return bytes.status();
      }
      findings_.Add(path,
                    absl::IsNotFound(bytes.status()) ? "missing" : std::string(bytes.status().message()));
      return std::optional<std::vector<Hash>>();
    }
    const auto entries = merkle::ParseBundle(*bytes, width);
    if (!entries.ok()) {
      findings_.Add(path, std::string(entries.status().message()));
      return std::optional<std::vector<Hash>>();
    }
    std::vector<Hash> hashes;
    for (size_t i = 0; i < entries->size(); ++i) {
      const std::string_view entry = (*entries)[i];
      if (options_.check_leaves) {
        rules_.Check(index * kTileWidth + i, entry,
                     Bytes(path, static_cast<size_t>(entry.data() - bytes->data()), entry.size()), findings_);
      }
      hashes.push_back(merkle::HashLeaf(entry));
    }
    return std::optional<std::vector<Hash>>(std::move(hashes));
  }

  absl::StatusOr<std::optional<std::vector<Hash>>> StoredTile(const TileId& tile) {
    absl::StatusOr<std::vector<Hash>> hashes = folder_.ReadTile(tile);
    if (hashes.ok()) {
      return std::optional<std::vector<Hash>>(*std::move(hashes));
    }
    if (absl::IsUnavailable(hashes.status())) {
      return hashes.status();
    }
    std::string message(hashes.status().message());
    const std::string path = merkle::TilePath(tile);
    if (message.substr(0, path.size() + 2) == path + ": ") {
      message = message.substr(path.size() + 2);
    }
    findings_.Add(path, message);
    return std::optional<std::vector<Hash>>();
  }

  static void Keep(Difference difference, std::vector<Difference>& list) {
    if (!difference.hashes.empty() && list.size() < Findings::kMostFindings) {
      list.push_back(std::move(difference));
    }
  }

  // Tiles of level 1 and more that have become full, as the leaves make them and as the tiles of level 0 do,
  // against what is stored. Only later is known which of the two leads to the root.
  absl::Status CompareHigher() {
    for (size_t i = 0; i < made_of_leaves_.size(); ++i) {
      RETURN_IF_ERROR(Compare(made_of_leaves_[i], made_of_tiles_[i]));
    }
    made_of_leaves_.clear();
    made_of_tiles_.clear();
    return absl::OkStatus();
  }

  absl::Status Compare(const TileBuilder::Tile& of_leaves, const TileBuilder::Tile& of_tiles) {
    if (of_leaves.id.level == 0) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::optional<std::vector<Hash>> stored, StoredTile(of_leaves.id));
    if (!stored.has_value()) {
      return absl::OkStatus();
    }
    Keep(Differ(of_leaves, *stored), higher_by_leaves_);
    Keep(Differ(of_tiles, *stored), higher_by_tiles_);
    return absl::OkStatus();
  }

  static Difference Differ(const TileBuilder::Tile& made, const std::vector<Hash>& stored) {
    Difference difference{made.id, {}};
    for (uint32_t i = 0; i < made.id.width; ++i) {
      if (merkle::AsBytes(stored[i]) != std::string_view(made.hashes).substr(i * kHashSize, kHashSize)) {
        difference.hashes.push_back(i);
      }
    }
    return difference;
  }

  absl::Status Tiles() {
    if (broken_) {
      return absl::OkStatus();
    }
    made_of_leaves_ = from_leaves_.Partial();
    made_of_tiles_ = from_tiles_.Partial();
    return CompareHigher();
  }

  // Which side is wrong: see fsck_tiles.h.
  void Judge(const Checkpoint& checkpoint) {
    if (broken_) {
      return;
    }
    const bool leaves_right = from_leaves_.root() == checkpoint.root;
    const bool tiles_right = from_tiles_.root() == checkpoint.root;
    for (const Difference& difference : differences_) {
      for (const uint32_t place : difference.hashes) {
        if (!tiles_right) {
          NameTile(difference.tile, place);
        }
        if (!leaves_right) {
          NameLeaf(difference.tile, place);
        }
      }
    }
    for (const Difference& difference : leaves_right ? higher_by_leaves_ : higher_by_tiles_) {
      for (const uint32_t place : difference.hashes) {
        NameHigherTile(difference.tile, place, tiles_right || leaves_right);
      }
    }
    if (!leaves_right && !tiles_right) {
      findings_.Add("checkpoint line 3",
                    trusted_ ? "neither the leaves nor the tiles lead to the root that was signed"
                             : "the root is not that of the leaves");
    }
  }

  void NameTile(const TileId& tile, uint32_t place) {
    findings_.Add(Bytes(merkle::TilePath(tile), place * kHashSize, kHashSize),
                  absl::StrCat("is not the hash of leaf ", tile.index * kTileWidth + place));
  }

  // Its children are the ones that lead to the root, or nobody knows.
  void NameHigherTile(const TileId& tile, uint32_t place, bool sure) {
    findings_.Add(
        Bytes(merkle::TilePath(tile), place * kHashSize, kHashSize),
        absl::StrCat(sure ? "is not" : "or what is below it is wrong: it is not", " the root of tile ",
                     tile.index * kTileWidth + place, " of level ", tile.level - 1));
  }

  void NameLeaf(const TileId& tile, uint32_t place) {
    const std::string path = merkle::BundlePath(tile.index, tile.width);
    const auto bytes = folder_.ReadBundle(tile.index, tile.width);
    const auto entries = bytes.ok() ? merkle::ParseBundle(*bytes, tile.width) : bytes.status();
    if (!entries.ok()) {
      return;  // named already
    }
    const std::string_view entry = (*entries)[place];
    findings_.Add(Bytes(path, static_cast<size_t>(entry.data() - bytes->data()), entry.size()),
                  absl::StrCat("leaf ", tile.index * kTileWidth + place, " is not the one that was logged"));
  }

  // Partial tiles of older checkpoints, what lies beyond, and what does not belong.
  absl::Status OtherFiles() {
    uint64_t beyond = 0;
    absl::Status status = absl::OkStatus();
    RETURN_IF_ERROR(folder_.List("", [&](const std::string& path) {
      if (status.ok()) {
        status = OtherFile(path, &beyond);
      }
    }));
    RETURN_IF_ERROR(status);
    if (beyond > 0) {
      findings_.Note(absl::StrCat(beyond, " files beyond the checkpoint: an unfinished run; not checked"));
    }
    return absl::OkStatus();
  }

  absl::Status OtherFile(const std::string& path, uint64_t* beyond) {
    if (path == kCheckpointFile || path == kWriterLock || path == kUnfinished ||
        path.substr(0, kEvidencePrefix.size()) == kEvidencePrefix) {
      return absl::OkStatus();
    }
    const absl::StatusOr<merkle::TileResource> resource = merkle::ParseTilePath(path);
    if (!resource.ok()) {
      findings_.Add(path, "does not belong to a tiled log");
      return absl::OkStatus();
    }
    const uint32_t now = merkle::WidthOfTile(resource->tile.level, resource->tile.index, size_);
    if (resource->tile.width > now) {
      ++*beyond;
    }
    return resource->tile.width < now ? CheckOlder(*resource, now, path) : absl::OkStatus();
  }

  // An older, narrower one is the beginning of today's.
  absl::Status CheckOlder(const merkle::TileResource& older, uint32_t now, const std::string& path) {
    const std::string today = older.entries ? merkle::BundlePath(older.tile.index, now)
                                            : merkle::TilePath({older.tile.level, older.tile.index, now});
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, folder_.Read(path));
    ASSIGN_OR_RETURN(const std::optional<std::string> whole, folder_.Read(today));
    if (!bytes.has_value() || !whole.has_value()) {
      return absl::OkStatus();
    }
    const bool right_size = older.entries ? merkle::ParseBundle(*bytes, older.tile.width).ok()
                                          : bytes->size() == older.tile.width * kHashSize;
    const auto differ = std::mismatch(bytes->begin(), bytes->end(), whole->begin(), whole->end());
    if (!right_size || differ.first != bytes->end()) {
      findings_.Add(Bytes(path, static_cast<size_t>(differ.first - bytes->begin()), 0),
                    absl::StrCat("is not the beginning of ", today));
    }
    return absl::OkStatus();
  }

  const TileFolder& folder_;
  const FsckTilesOptions& options_;
  Findings& findings_;
  bool trusted_ = false;
  bool broken_ = false;
  uint64_t size_ = 0;
  LeafRules rules_;
  TileBuilder from_leaves_;
  TileBuilder from_tiles_;
  std::vector<TileBuilder::Tile> made_of_leaves_;
  std::vector<TileBuilder::Tile> made_of_tiles_;
  std::vector<Difference> differences_;  // of level 0
  std::vector<Difference> higher_by_leaves_;
  std::vector<Difference> higher_by_tiles_;
};

}  // namespace

absl::Status FsckTiles(const TileFolder& folder, const FsckTilesOptions& options, Findings& findings) {
  return Check(folder, options, findings).Run();
}

}  // namespace relais::audit
