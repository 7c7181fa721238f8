#include "common/merkle/verify.h"

#include <bit>

namespace relais::merkle {
namespace {

bool IsOdd(uint64_t n) { return (n & 1) != 0; }

absl::Status Refused(const char* check) { return absl::InvalidArgumentError(check); }

// The RFC's fn and sn: where we are on the way from a leaf to the root, and where the last leaf is.
struct Position {
  uint64_t node;
  uint64_t last;

  void Up() {
    node >>= 1;
    last >>= 1;
  }
  [[nodiscard]] bool SiblingIsLeft() const { return IsOdd(node) || node == last; }
  // A node without a right sibling stands for its parent, and so on up.
  void SkipMissingSiblings() {
    while (!IsOdd(node) && node != 0) {
      Up();
    }
  }
};

}  // namespace

absl::Status VerifyInclusion(uint64_t index, uint64_t size, const Hash& leaf_hash,
                             std::span<const Hash> proof, const Hash& root) {
  if (index >= size) {
    return Refused("inclusion: leaf index not below the tree size");
  }
  Position at{index, size - 1};
  Hash hash = leaf_hash;
  for (const Hash& sibling : proof) {
    if (at.last == 0) {
      return Refused("inclusion: proof too long");
    }
    if (at.SiblingIsLeft()) {
      hash = HashNode(sibling, hash);
      at.SkipMissingSiblings();
    } else {
      hash = HashNode(hash, sibling);
    }
    at.Up();
  }
  if (at.last != 0) {
    return Refused("inclusion: proof too short");
  }
  if (hash != root) {
    return Refused("inclusion: proof does not lead to the root");
  }
  return absl::OkStatus();
}

absl::Status VerifyConsistency(uint64_t old_size, uint64_t new_size, const Hash& old_root,
                               const Hash& new_root, std::span<const Hash> proof) {
  if (old_size > new_size) {
    return Refused("consistency: old size above the new size");
  }
  if (old_size == 0 && old_root != EmptyRoot()) {
    return Refused("consistency: wrong root for an empty tree");
  }
  if (old_size == new_size && old_root != new_root) {
    return Refused("consistency: same size, different roots");
  }
  if (old_size == 0 || old_size == new_size) {
    return proof.empty() ? absl::OkStatus() : Refused("consistency: proof too long");
  }
  if (proof.empty()) {
    return Refused("consistency: proof too short");
  }

  Position at{old_size - 1, new_size - 1};
  while (IsOdd(at.node)) {
    at.Up();
  }
  // An old tree of 2^k leaves is itself the first subtree of the proof, and is left out of it.
  Hash start = old_root;
  if (!std::has_single_bit(old_size)) {
    start = proof.front();
    proof = proof.subspan(1);
  }
  Hash old_hash = start;
  Hash new_hash = start;
  for (const Hash& sibling : proof) {
    if (at.last == 0) {
      return Refused("consistency: proof too long");
    }
    if (at.SiblingIsLeft()) {
      old_hash = HashNode(sibling, old_hash);
      new_hash = HashNode(sibling, new_hash);
      at.SkipMissingSiblings();
    } else {
      new_hash = HashNode(new_hash, sibling);
    }
    at.Up();
  }
  if (at.last != 0) {
    return Refused("consistency: proof too short");
  }
  if (old_hash != old_root) {
    return Refused("consistency: proof does not lead to the old root");
  }
  if (new_hash != new_root) {
    return Refused("consistency: proof does not lead to the new root");
  }
  return absl::OkStatus();
}

}  // namespace relais::merkle
