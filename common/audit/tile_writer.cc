#include "common/audit/tile_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace relais::audit {

using merkle::kTileWidth;
using merkle::TileBuilder;

namespace {

absl::Status CheckBundle(std::string_view bundle, const absl::StatusOr<std::vector<merkle::Hash>>& hashes) {
  RETURN_IF_ERROR(hashes.status());
  ASSIGN_OR_RETURN(const std::vector<std::string_view> entries,
                   merkle::ParseBundle(bundle, static_cast<uint32_t>(hashes->size())));
  for (size_t i = 0; i < entries.size(); ++i) {
    if (merkle::HashLeaf(entries[i]) != (*hashes)[i]) {
      return absl::InvalidArgumentError(absl::StrCat("entry ", i, " is not the one in the tile"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TileWriter> TileWriter::Resume(TileFolder& folder, uint64_t size) {
  absl::StatusOr<TileBuilder> tiles = TileBuilder::Resume(size, folder.Tiles());
  if (!tiles.ok()) {
    return absl::IsUnavailable(tiles.status()) ? tiles.status()
                                               : absl::DataLossError(tiles.status().message());
  }
  std::string bundle;
  if (const auto width = static_cast<uint32_t>(size % kTileWidth); width != 0) {
    absl::StatusOr<std::string> bytes = folder.ReadBundle(size / kTileWidth, width);
    const absl::Status status =
        bytes.ok() ? CheckBundle(*bytes, folder.ReadTile({0, size / kTileWidth, width})) : bytes.status();
    if (!status.ok()) {
      return absl::IsUnavailable(status)
                 ? status
                 : absl::DataLossError(
                       absl::StrCat(merkle::BundlePath(size / kTileWidth, width), ": ", status.message()));
    }
    bundle = *std::move(bytes);
  }
  return TileWriter(folder, *std::move(tiles), std::move(bundle));
}

absl::Status TileWriter::Add(std::string_view leaf) {
  RETURN_IF_ERROR(merkle::AppendEntry(bundle_, leaf));
  tiles_.Append(merkle::HashLeaf(leaf), &full_);
  if (tiles_.size() % kTileWidth != 0) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(folder_->Write(merkle::BundlePath(tiles_.size() / kTileWidth - 1, kTileWidth), bundle_));
  bundle_.clear();
  return WriteFull();
}

absl::Status TileWriter::AddStored(std::string_view bundle) {
  ASSIGN_OR_RETURN(const std::vector<std::string_view> entries, merkle::ParseBundle(bundle, kTileWidth));
  if (tiles_.size() % kTileWidth != 0) {
    return absl::FailedPreconditionError("tiles: in the middle of a bundle");
  }
  for (const std::string_view entry : entries) {
    tiles_.Append(merkle::HashLeaf(entry), &full_);
  }
  return WriteFull();
}

absl::Status TileWriter::WriteFull() {
  for (const TileBuilder::Tile& tile : full_) {
    RETURN_IF_ERROR(folder_->Write(merkle::TilePath(tile.id), tile.hashes));
  }
  full_.clear();
  return absl::OkStatus();
}

absl::Status TileWriter::WritePartial() {
  if (const auto width = static_cast<uint32_t>(size() % kTileWidth); width != 0) {
    RETURN_IF_ERROR(folder_->Write(merkle::BundlePath(size() / kTileWidth, width), bundle_));
  }
  for (const TileBuilder::Tile& tile : tiles_.Partial()) {
    RETURN_IF_ERROR(folder_->Write(merkle::TilePath(tile.id), tile.hashes));
  }
  return absl::OkStatus();
}

merkle::NodeReader TileWriter::Nodes() const {
  return merkle::NodesFromTiles(
      size(), [this](const merkle::TileId& wanted) -> absl::StatusOr<std::vector<merkle::Hash>> {
        if (wanted.width == kTileWidth) {
          return folder_->ReadTile(wanted);
        }
        for (const TileBuilder::Tile& tile : tiles_.Partial()) {
          if (tile.id == wanted) {
            return merkle::ParseTile(tile.hashes, wanted.width);
          }
        }
        return absl::NotFoundError(absl::StrCat(merkle::TilePath(wanted), ": missing"));
      });
}

absl::StatusOr<std::string> TileWriter::Leaf(uint64_t index) const {
  const uint64_t bundle = index / kTileWidth;
  const uint32_t width = merkle::WidthOfTile(0, bundle, size());
  std::string bytes = bundle_;
  if (width == kTileWidth) {
    ASSIGN_OR_RETURN(bytes, folder_->ReadBundle(bundle, width));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string_view> entries, merkle::ParseBundle(bytes, width));
  if (index % kTileWidth >= entries.size()) {
    return absl::NotFoundError("no such leaf");
  }
  return std::string(entries[index % kTileWidth]);
}

}  // namespace relais::audit
