// The tree straight from the definitions of RFC 9162 section 2.1, recursive and slow: what the real one is
// held against.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/merkle/tree.h"

namespace relais::merkle::testing {

inline uint64_t SplitPoint(uint64_t n) {
  uint64_t k = 1;
  while (k * 2 < n) {
    k *= 2;
  }
  return k;
}

inline Hash ReferenceRoot(std::span<const Hash> leaves) {
  if (leaves.empty()) {
    return EmptyRoot();
  }
  if (leaves.size() == 1) {
    return leaves[0];
  }
  const uint64_t k = SplitPoint(leaves.size());
  return HashNode(ReferenceRoot(leaves.first(k)), ReferenceRoot(leaves.subspan(k)));
}

inline std::vector<Hash> ReferenceInclusion(uint64_t m, std::span<const Hash> leaves) {
  if (leaves.size() <= 1) {
    return {};
  }
  const uint64_t k = SplitPoint(leaves.size());
  std::vector<Hash> proof =
      m < k ? ReferenceInclusion(m, leaves.first(k)) : ReferenceInclusion(m - k, leaves.subspan(k));
  proof.push_back(m < k ? ReferenceRoot(leaves.subspan(k)) : ReferenceRoot(leaves.first(k)));
  return proof;
}

inline std::vector<Hash> ReferenceSubproof(uint64_t m, std::span<const Hash> leaves, bool whole) {
  if (m == leaves.size()) {
    return whole ? std::vector<Hash>{} : std::vector<Hash>{ReferenceRoot(leaves)};
  }
  const uint64_t k = SplitPoint(leaves.size());
  std::vector<Hash> proof = m <= k ? ReferenceSubproof(m, leaves.first(k), whole)
                                   : ReferenceSubproof(m - k, leaves.subspan(k), false);
  proof.push_back(m <= k ? ReferenceRoot(leaves.subspan(k)) : ReferenceRoot(leaves.first(k)));
  return proof;
}

inline std::vector<Hash> ReferenceConsistency(uint64_t old_size, std::span<const Hash> leaves) {
  return old_size == 0 ? std::vector<Hash>{} : ReferenceSubproof(old_size, leaves, true);
}

/// Leaves "leaf 0", "leaf 1" and so on, hashed.
inline std::vector<Hash> SomeLeaves(size_t n) {
  std::vector<Hash> leaves;
  for (size_t i = 0; i < n; ++i) {
    leaves.push_back(HashLeaf("leaf " + std::to_string(i)));
  }
  return leaves;
}

/// What a store keeps: leaf hashes and the nodes that Append completed. Counts its reads.
class NodeStore {
 public:
  explicit NodeStore(std::span<const Hash> leaves = {}) {
    for (const Hash& leaf : leaves) {
      Append(leaf);
    }
  }
  void Append(const Hash& leaf) {
    nodes_[{0, frontier_.size()}] = leaf;
    std::vector<Node> completed;
    frontier_.Append(leaf, &completed);
    for (const Node& node : completed) {
      nodes_[node.id] = node.hash;
    }
  }
  [[nodiscard]] NodeReader Reader() const {
    return [this](NodeId id) -> absl::StatusOr<Hash> {
      ++reads;
      const auto it = nodes_.find(id);
      if (it == nodes_.end()) {
        return absl::NotFoundError("no such node");
      }
      return it->second;
    };
  }
  [[nodiscard]] const Frontier& frontier() const { return frontier_; }
  [[nodiscard]] const std::map<NodeId, Hash>& nodes() const { return nodes_; }

  mutable int reads = 0;

 private:
  Frontier frontier_;
  std::map<NodeId, Hash> nodes_;
};

}  // namespace relais::merkle::testing
