// The RFC 9162 (and RFC 6962) Merkle tree over SHA-256. Pure: no storage, no clock.
//
// A node (level, index) is the root of the complete subtree over leaves [index·2^level, (index+1)·2^level);
// level 0 are the leaf hashes. Only complete subtrees are ever stored; what the right edge adds is computed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"

namespace relais::merkle {

inline constexpr size_t kHashSize = 32;
using Hash = std::array<uint8_t, kHashSize>;

/// INVALID_ARGUMENT unless 32 bytes.
[[nodiscard]] absl::StatusOr<Hash> HashFromBytes(std::string_view bytes);
[[nodiscard]] inline std::string_view AsBytes(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}
[[nodiscard]] std::string HashToHex(const Hash& hash);

/// SHA-256(0x00 ‖ leaf).
[[nodiscard]] Hash HashLeaf(std::string_view leaf);
/// SHA-256(0x01 ‖ left ‖ right).
[[nodiscard]] Hash HashNode(const Hash& left, const Hash& right);
/// The root of the tree without leaves: SHA-256 of nothing.
[[nodiscard]] Hash EmptyRoot();

struct NodeId {
  uint32_t level = 0;
  uint64_t index = 0;

  friend bool operator==(const NodeId&, const NodeId&) = default;
  friend bool operator<(const NodeId& a, const NodeId& b) {
    return std::tie(a.level, a.index) < std::tie(b.level, b.index);
  }
};

struct Node {
  NodeId id;
  Hash hash;
};

/// Reads the hash of a complete subtree. Its errors are passed on unchanged.
using NodeReader = std::function<absl::StatusOr<Hash>(NodeId)>;

/// Sizes above this are refused as INVALID_ARGUMENT: 2^62 leaves.
inline constexpr uint64_t kMaxTreeSize = uint64_t{1} << 62;

/// The complete subtrees that leaves [begin, end) fall into, left to right. `begin` must be a multiple of a
/// power of two that is at least end - begin, as all ranges of the RFC's are; [0, size) always is.
[[nodiscard]] std::vector<NodeId> CompleteSubtrees(uint64_t begin, uint64_t end);

/// The right edge of a tree that grows: at most 62 hashes, enough to append and to tell the root. A value:
/// copy it to try something. Not thread-safe.
class Frontier {
 public:
  /// The empty tree.
  Frontier() = default;

  /// What FromNodes wants for a tree of this size, in that order: CompleteSubtrees(0, size).
  [[nodiscard]] static std::vector<NodeId> NodesNeeded(uint64_t size);
  /// INVALID_ARGUMENT when the number of hashes does not fit the size, or the size is above kMaxTreeSize.
  [[nodiscard]] static absl::StatusOr<Frontier> FromNodes(uint64_t size, std::vector<Hash> nodes);
  /// The same with O(log size) reads.
  [[nodiscard]] static absl::StatusOr<Frontier> Load(uint64_t size, const NodeReader& read);

  /// Appends a leaf by its hash. The internal nodes (level 1 and above) that this leaf completes are added to
  /// `*completed`, lowest first, for a store to keep; the leaf hash itself, (0, index), is not among them.
  /// On average one node per leaf. `completed` may be null.
  void Append(const Hash& leaf_hash, std::vector<Node>* completed);

  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] Hash root() const;
  /// What FromNodes takes.
  [[nodiscard]] const std::vector<Hash>& edge() const { return edge_; }

 private:
  uint64_t size_ = 0;
  // Roots of the complete subtrees, widest first.
  std::vector<Hash> edge_;
};

/// The root over hashes of adjacent subtrees as CompleteSubtrees lists them; EmptyRoot() for none.
[[nodiscard]] Hash FoldSubtrees(const std::vector<Hash>& left_to_right);

}  // namespace relais::merkle
