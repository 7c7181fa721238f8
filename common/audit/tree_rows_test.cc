#include "common/audit/tree_rows.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/crypto/encoding.h"
#include "gtest/gtest.h"

namespace relais::audit::internal {
namespace {

using merkle::NodeId;

std::string Hex(const NodeId& id) { return crypto::HexEncode(NodeKey(id)); }

// The examples of docs/formats.md.
TEST(NodeKeyTest, IsTileLevelTileAndPlace) {
  EXPECT_EQ(Hex({1, 0}), "00000000000000000000");
  EXPECT_EQ(Hex({1, 1}), "00000000000000000001");
  EXPECT_EQ(Hex({2, 0}), "00000000000000000002");
  EXPECT_EQ(Hex({3, 1}), "0000000000000000000d");
  EXPECT_EQ(Hex({8, 0}), "000000000000000000fe");
  EXPECT_EQ(Hex({1, 128}), "00000000000000000100");
  EXPECT_EQ(Hex({9, 0}), "01000000000000000000");
  EXPECT_EQ(Hex({17, 3}), "02000000000000000004");
}

TEST(NodeKeyTest, IsOneOfEachNodeAndGrowsAsNodesAreCompletedWithinATileLevel) {
  constexpr uint64_t kLeaves = 140'000;  // into the third tile level
  merkle::Frontier tree;
  std::map<char, std::string> last;
  uint64_t nodes = 0;
  for (uint64_t i = 0; i < kLeaves; ++i) {
    std::vector<merkle::Node> completed;
    tree.Append(merkle::Hash{}, &completed);
    for (const merkle::Node& node : completed) {
      if (node.id.level == 0) {
        continue;
      }
      std::string key = NodeKey(node.id);
      ASSERT_EQ(key[0], static_cast<char>(TileLevel(node.id.level)));
      ASSERT_LT(last[key[0]], key) << "node " << node.id.index << " of level " << node.id.level;
      last[key[0]] = std::move(key);
      ++nodes;
    }
  }
  EXPECT_EQ(nodes, 139'994U);  // kLeaves less its one-bits
  EXPECT_EQ(last.size(), 3U);
}

}  // namespace
}  // namespace relais::audit::internal
