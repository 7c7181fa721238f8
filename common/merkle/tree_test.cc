#include "common/merkle/tree.h"

#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/merkle/testing/reference_tree.h"
#include "gtest/gtest.h"

namespace relais::merkle {
namespace {

using testing::NodeStore;
using testing::ReferenceRoot;
using testing::SomeLeaves;

constexpr size_t kSizes = 130;

TEST(TreeTest, DomainsAreSeparated) {
  EXPECT_EQ(HashLeaf("x"), crypto::Sha256Digest({std::string_view("\0x", 2)}));
  const Hash a = HashLeaf("a");
  const Hash b = HashLeaf("b");
  EXPECT_EQ(AsBytes(HashNode(a, b)),
            crypto::Sha256("\1" + std::string(AsBytes(a)) + std::string(AsBytes(b))));
  EXPECT_NE(HashNode(a, b), HashNode(b, a));
  EXPECT_NE(HashLeaf(std::string(AsBytes(a)) + std::string(AsBytes(b))), HashNode(a, b));
  EXPECT_EQ(HashToHex(EmptyRoot()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(TreeTest, HashFromBytesWants32) {
  EXPECT_EQ(*HashFromBytes(AsBytes(EmptyRoot())), EmptyRoot());
  EXPECT_FALSE(HashFromBytes(std::string(31, 'x')).ok());
  EXPECT_FALSE(HashFromBytes(std::string(33, 'x')).ok());
}

TEST(TreeTest, CompleteSubtrees) {
  EXPECT_TRUE(CompleteSubtrees(0, 0).empty());
  EXPECT_EQ(CompleteSubtrees(0, 1), (std::vector<NodeId>{{0, 0}}));
  EXPECT_EQ(CompleteSubtrees(0, 8), (std::vector<NodeId>{{3, 0}}));
  EXPECT_EQ(CompleteSubtrees(0, 7), (std::vector<NodeId>{{2, 0}, {1, 2}, {0, 6}}));
  EXPECT_EQ(CompleteSubtrees(8, 13), (std::vector<NodeId>{{2, 2}, {0, 12}}));
}

TEST(FrontierTest, RootsAreTheReferencesAtEverySize) {
  const std::vector<Hash> leaves = SomeLeaves(kSizes);
  NodeStore store;
  for (size_t n = 0; n <= kSizes; ++n) {
    EXPECT_EQ(store.frontier().size(), n);
    EXPECT_EQ(store.frontier().root(), ReferenceRoot(std::span(leaves).first(n))) << n;
    if (n < kSizes) {
      store.Append(leaves[n]);
    }
  }
}

TEST(FrontierTest, CompletesEachInternalNodeOnceWithTheRightHash) {
  const std::vector<Hash> leaves = SomeLeaves(kSizes);
  Frontier frontier;
  std::map<NodeId, Hash> seen;
  for (size_t n = 0; n < kSizes; ++n) {
    std::vector<Node> completed;
    frontier.Append(leaves[n], &completed);
    uint32_t level = 0;
    for (const Node& node : completed) {
      EXPECT_EQ(node.id.level, ++level);
      EXPECT_TRUE(seen.emplace(node.id, node.hash).second);
      const uint64_t width = uint64_t{1} << node.id.level;
      EXPECT_EQ((node.id.index + 1) * width, n + 1);
      EXPECT_EQ(node.hash, ReferenceRoot(std::span(leaves).subspan(node.id.index * width, width)));
    }
  }
  EXPECT_EQ(seen.size(), 65U + 32 + 16 + 8 + 4 + 2 + 1);
}

TEST(FrontierTest, ContinuesFromStoredNodesAtAnySize) {
  const std::vector<Hash> leaves = SomeLeaves(kSizes);
  const NodeStore store(leaves);
  for (size_t n = 0; n <= kSizes; ++n) {
    store.reads = 0;
    auto frontier = Frontier::Load(n, store.Reader());
    ASSERT_TRUE(frontier.ok());
    EXPECT_LE(store.reads, 8);
    for (size_t i = n; i < kSizes; ++i) {
      frontier->Append(leaves[i], nullptr);
    }
    EXPECT_EQ(frontier->root(), store.frontier().root()) << n;
  }
}

TEST(FrontierTest, WrongNodesAreRefused) {
  EXPECT_FALSE(Frontier::FromNodes(3, {EmptyRoot()}).ok());
  EXPECT_FALSE(Frontier::FromNodes(0, {EmptyRoot()}).ok());
  EXPECT_FALSE(Frontier::FromNodes(kMaxTreeSize + 1, {EmptyRoot(), EmptyRoot()}).ok());
  EXPECT_TRUE(Frontier::FromNodes(kMaxTreeSize, {EmptyRoot()}).ok());
  EXPECT_TRUE(absl::IsNotFound(Frontier::Load(1, NodeStore().Reader()).status()));
}

}  // namespace
}  // namespace relais::merkle
