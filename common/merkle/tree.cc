#include "common/merkle/tree.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"

namespace relais::merkle {
namespace {

constexpr std::string_view kLeafPrefix("\0", 1);
constexpr std::string_view kNodePrefix("\1", 1);

absl::Status CheckSize(uint64_t size) {
  if (size > kMaxTreeSize) {
    return absl::InvalidArgumentError("tree size above 2^62");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Hash> HashFromBytes(std::string_view bytes) {
  if (bytes.size() != kHashSize) {
    return absl::InvalidArgumentError("a hash has 32 bytes");
  }
  Hash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

std::string HashToHex(const Hash& hash) { return crypto::HexEncode(AsBytes(hash)); }

Hash HashLeaf(std::string_view leaf) { return crypto::Sha256Digest({kLeafPrefix, leaf}); }

Hash HashNode(const Hash& left, const Hash& right) {
  return crypto::Sha256Digest({kNodePrefix, AsBytes(left), AsBytes(right)});
}

Hash EmptyRoot() { return crypto::Sha256Digest({}); }

std::vector<NodeId> CompleteSubtrees(uint64_t begin, uint64_t end) {
  std::vector<NodeId> nodes;
  while (begin < end) {
    const uint64_t width = std::bit_floor(end - begin);
    nodes.push_back({static_cast<uint32_t>(std::countr_zero(width)), begin / width});
    begin += width;
  }
  return nodes;
}

Hash FoldSubtrees(const std::vector<Hash>& left_to_right) {
  if (left_to_right.empty()) {
    return EmptyRoot();
  }
  Hash root = left_to_right.back();
  for (size_t i = left_to_right.size() - 1; i-- > 0;) {
    root = HashNode(left_to_right[i], root);
  }
  return root;
}

std::vector<NodeId> Frontier::NodesNeeded(uint64_t size) { return CompleteSubtrees(0, size); }

absl::StatusOr<Frontier> Frontier::FromNodes(uint64_t size, std::vector<Hash> nodes) {
  RETURN_IF_ERROR(CheckSize(size));
  if (nodes.size() != static_cast<size_t>(std::popcount(size))) {
    return absl::InvalidArgumentError("number of nodes does not fit the tree size");
  }
  Frontier frontier;
  frontier.size_ = size;
  frontier.edge_ = std::move(nodes);
  return frontier;
}

absl::StatusOr<Frontier> Frontier::Load(uint64_t size, const NodeReader& read) {
  RETURN_IF_ERROR(CheckSize(size));
  std::vector<Hash> nodes;
  for (const NodeId& id : NodesNeeded(size)) {
    ASSIGN_OR_RETURN(const Hash hash, read(id));
    nodes.push_back(hash);
  }
  return FromNodes(size, std::move(nodes));
}

void Frontier::Append(const Hash& leaf_hash, std::vector<Node>* completed) {
  // Adding one carries through the low set bits of the size, as in a binary counter: each carry joins two
  // complete subtrees of the same width.
  Hash hash = leaf_hash;
  uint64_t index = size_;
  for (uint32_t level = 0; (index & 1) != 0; ++level, index >>= 1) {
    hash = HashNode(edge_.back(), hash);
    edge_.pop_back();
    if (completed != nullptr) {
      completed->push_back({{level + 1, index >> 1}, hash});
    }
  }
  edge_.push_back(hash);
  ++size_;
}

Hash Frontier::root() const { return FoldSubtrees(edge_); }

}  // namespace relais::merkle
