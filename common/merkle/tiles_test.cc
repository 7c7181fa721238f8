#include "common/merkle/tiles.h"

#include <map>
#include <string>
#include <vector>

#include "common/merkle/proofs.h"
#include "common/merkle/testing/reference_tree.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

using Tiles = std::map<std::string, std::string>;  // by path

// Every tile of the tree over these leaves, as the specification defines each hash of each.
Tiles DefinedTiles(const std::vector<Hash>& leaves) {
  Tiles tiles;
  for (uint32_t level = 0; HashesAtLevel(level, leaves.size()) > 0; ++level) {
    const uint64_t span = uint64_t{1} << (8 * level);
    for (uint64_t index = 0; WidthOfTile(level, index, leaves.size()) > 0; ++index) {
      const uint32_t width = WidthOfTile(level, index, leaves.size());
      std::string bytes;
      for (uint64_t i = 0; i < width; ++i) {
        bytes +=
            AsBytes(testing::ReferenceRoot(std::span(leaves).subspan((index * kTileWidth + i) * span, span)));
      }
      tiles[TilePath({level, index, width})] = bytes;
    }
  }
  return tiles;
}

Tiles BuiltTiles(const TileBuilder& builder, const std::vector<TileBuilder::Tile>& full) {
  Tiles tiles;
  for (const TileBuilder::Tile& tile : full) {
    tiles[TilePath(tile.id)] = tile.hashes;
  }
  for (const TileBuilder::Tile& tile : builder.Partial()) {
    tiles[TilePath(tile.id)] = tile.hashes;
  }
  return tiles;
}

TileReader ReaderOf(const Tiles& tiles) {
  return [&tiles](const TileId& id) -> absl::StatusOr<std::vector<Hash>> {
    const auto tile = tiles.find(TilePath(id));
    return tile == tiles.end() ? absl::NotFoundError("no such tile") : ParseTile(tile->second, id.width);
  };
}

TEST(TilesTest, Paths) {
  EXPECT_EQ(TilePath({0, 1'234'067, 256}), "tile/0/x001/x234/067");  // the specification's example
  EXPECT_EQ(TilePath({3, 0, 256}), "tile/3/000");
  EXPECT_EQ(TilePath({0, 999, 1}), "tile/0/999.p/1");
  EXPECT_EQ(TilePath({0, 1000, 255}), "tile/0/x001/000.p/255");
  EXPECT_EQ(BundlePath(67, 256), "tile/entries/067");
  EXPECT_EQ(BundlePath(1'000'000, 12), "tile/entries/x001/x000/000.p/12");
}

TEST(TilesTest, PathsAreReadAsTheyAreWritten) {
  for (const uint64_t index : {0UL, 1UL, 999UL, 1000UL, 1'234'067UL, 999'999'999UL}) {
    for (const uint32_t width : {1U, 255U, 256U}) {
      const auto tile = ParseTilePath(TilePath({7, index, width}));
      ASSERT_TRUE(tile.ok());
      EXPECT_FALSE(tile->entries);
      EXPECT_EQ(tile->tile, (TileId{7, index, width}));
      const auto bundle = ParseTilePath(BundlePath(index, width));
      ASSERT_TRUE(bundle.ok());
      EXPECT_TRUE(bundle->entries);
      EXPECT_EQ(bundle->tile, (TileId{0, index, width}));
    }
  }
  for (const char* path : {"",
                           "tile",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/00/000",
                           "tile/8/000",
                           "tile/0/00",
                           "tile/0/0000",
                           "tile/0/x000/001",
                           "tile/0/001/002",
                           "tile/0/x001",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000/",
                           "/tile/0/000",
                           "tile/-1/000",
                           "tile/entries",
                           "tile/0/000.p/1/2",
                           "checkpoint",
                           "tile/0/x001.p/000",
                           "tile/0/0a0"}) {
    EXPECT_FALSE(ParseTilePath(path).ok()) << path;
  }
}

TEST(TilesTest, TheSpecificationsExampleSizes) {
  // "273 full level 0 tiles, one partial level 0 tile of width 112, one full level 1 tile, one partial level
  // 1 tile of width 17, and one partial level 2 tile of width 1."
  EXPECT_EQ(WidthOfTile(0, 272, 70'000), 256U);
  EXPECT_EQ(WidthOfTile(0, 273, 70'000), 112U);
  EXPECT_EQ(WidthOfTile(0, 274, 70'000), 0U);
  EXPECT_EQ(WidthOfTile(1, 0, 70'000), 256U);
  EXPECT_EQ(WidthOfTile(1, 1, 70'000), 17U);
  EXPECT_EQ(WidthOfTile(2, 0, 70'000), 1U);
  EXPECT_EQ(WidthOfTile(3, 0, 70'000), 0U);
  EXPECT_EQ(WidthOfTile(0, 0, 256), 256U);
  EXPECT_EQ(WidthOfTile(1, 0, 256), 1U);
}

TEST(TilesTest, BuilderMakesTheDefinedTilesAndRoots) {
  const std::vector<Hash> leaves = testing::SomeLeaves(1100);
  TileBuilder builder;
  std::vector<TileBuilder::Tile> full;
  for (size_t size = 1; size <= leaves.size(); ++size) {
    builder.Append(leaves[size - 1], &full);
    if (size < 40 || size % 256 < 2 || size % 97 == 0 || size == leaves.size()) {
      const std::vector<Hash> some(leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(builder.root(), testing::ReferenceRoot(some)) << size;
      EXPECT_EQ(BuiltTiles(builder, full), DefinedTiles(some)) << size;
    }
  }
  EXPECT_EQ(TileBuilder().root(), EmptyRoot());
}

TEST(TilesTest, ThreeLevels) {
  const std::vector<Hash> leaves = testing::SomeLeaves(65'536 + 300);
  TileBuilder builder;
  std::vector<TileBuilder::Tile> full;
  for (const Hash& leaf : leaves) {
    builder.Append(leaf, &full);
  }
  EXPECT_EQ(builder.root(), testing::ReferenceRoot(leaves));
  EXPECT_EQ(full.size(), 257U + 1U);
  const std::vector<TileBuilder::Tile> partial = builder.Partial();
  ASSERT_EQ(partial.size(), 3U);
  EXPECT_EQ(partial[0].id, (TileId{0, 257, 44}));
  EXPECT_EQ(partial[1].id, (TileId{1, 1, 1}));
  EXPECT_EQ(partial[2].id, (TileId{2, 0, 1}));
}

TEST(TilesTest, TilesOfNodesAndNodesOfTiles) {
  const std::vector<Hash> leaves = testing::SomeLeaves(777);
  const testing::NodeStore store(leaves);
  const Tiles tiles = DefinedTiles(leaves);
  for (const auto& [path, bytes] : tiles) {
    EXPECT_EQ(BuildTile(ParseTilePath(path)->tile, store.Reader()).value(), bytes) << path;
  }
  const NodeReader read = NodesFromTiles(leaves.size(), ReaderOf(tiles));
  for (const auto& [id, hash] : store.nodes()) {
    const auto node = read(id);
    ASSERT_TRUE(node.ok()) << id.level << " " << id.index;
    EXPECT_EQ(*node, hash);
  }
  EXPECT_EQ(BuildInclusionProof(700, 777, read).value(), testing::ReferenceInclusion(700, leaves));
  EXPECT_FALSE(read({0, 777}).ok());
  EXPECT_FALSE(read({9, 1}).ok());
}

TEST(TilesTest, ABuilderResumesAtAnySize) {
  const std::vector<Hash> leaves = testing::SomeLeaves(600);
  for (size_t size = 0; size <= leaves.size(); size += 75) {
    const std::vector<Hash> some(leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(size));
    const Tiles tiles = DefinedTiles(some);
    auto builder = TileBuilder::Resume(size, ReaderOf(tiles));
    ASSERT_TRUE(builder.ok()) << builder.status();
    EXPECT_EQ(builder->root(), testing::ReferenceRoot(some));
    for (size_t i = size; i < leaves.size(); ++i) {
      builder->Append(leaves[i], nullptr);
    }
    EXPECT_EQ(builder->root(), testing::ReferenceRoot(leaves));
  }
  EXPECT_FALSE(TileBuilder::Resume(5, ReaderOf({})).ok());
}

TEST(TilesTest, Bundles) {
  std::string bundle;
  ASSERT_TRUE(AppendEntry(bundle, "a").ok());
  ASSERT_TRUE(AppendEntry(bundle, "").ok());
  ASSERT_TRUE(AppendEntry(bundle, std::string(kMaxEntrySize, 'z')).ok());
  EXPECT_FALSE(AppendEntry(bundle, std::string(kMaxEntrySize + 1, 'z')).ok());
  EXPECT_EQ(bundle.substr(0, 7), std::string("\0\1a\0\0\xff\xff", 7));
  const auto entries = ParseBundle(bundle, 3);
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ((*entries)[0], "a");
  EXPECT_EQ((*entries)[1], "");
  EXPECT_EQ((*entries)[2].size(), kMaxEntrySize);
  EXPECT_EQ(ParseBundle(bundle, 2).status().message(), "bundle: bytes after entry 1, from byte 5");
  EXPECT_EQ(ParseBundle(bundle, 4).status().message(),
            "bundle: it ends within entry 3, which begins at byte 65542");
  EXPECT_EQ(ParseBundle(std::string_view(bundle).substr(0, 100), 3).status().message(),
            "bundle: it ends within entry 2, which begins at byte 5");
}

TEST(TilesTest, TilesOfAnotherWidthAreRefused) {
  EXPECT_TRUE(ParseTile(std::string(64, 'x'), 2).ok());
  EXPECT_FALSE(ParseTile(std::string(63, 'x'), 2).ok());
  EXPECT_FALSE(ParseTile(std::string(96, 'x'), 2).ok());
}

}  // namespace
}  // namespace relais::merkle
