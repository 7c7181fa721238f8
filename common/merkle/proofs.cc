#include "common/merkle/proofs.h"

#include <algorithm>
#include <bit>

#include "common/base/status.h"

namespace relais::merkle {
namespace {

// The RFC's k: the largest power of two smaller than n. For n > 1.
uint64_t SplitPoint(uint64_t n) { return std::bit_floor(n - 1); }

absl::StatusOr<std::vector<Hash>> ReadParts(const std::vector<ProofPart>& parts, const NodeReader& read) {
  std::vector<Hash> proof;
  proof.reserve(parts.size());
  for (const ProofPart& part : parts) {
    std::vector<Hash> hashes;
    for (const NodeId& id : part) {
      ASSIGN_OR_RETURN(const Hash hash, read(id));
      hashes.push_back(hash);
    }
    proof.push_back(FoldSubtrees(hashes));
  }
  return proof;
}

}  // namespace

absl::StatusOr<std::vector<ProofPart>> InclusionProofNodes(uint64_t index, uint64_t size) {
  if (index >= size || size > kMaxTreeSize) {
    return absl::InvalidArgumentError("inclusion proof: leaf index not below the tree size");
  }
  // RFC 9162 section 2.1.3.1, from the root down: each step keeps the half with the leaf, notes the other.
  std::vector<ProofPart> parts;
  uint64_t begin = 0;
  uint64_t end = size;
  while (end - begin > 1) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    if (index < middle) {
      parts.push_back(CompleteSubtrees(middle, end));
      end = middle;
    } else {
      parts.push_back(CompleteSubtrees(begin, middle));
      begin = middle;
    }
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

absl::StatusOr<std::vector<ProofPart>> ConsistencyProofNodes(uint64_t old_size, uint64_t new_size) {
  if (old_size > new_size || new_size > kMaxTreeSize) {
    return absl::InvalidArgumentError("consistency proof: old size above the new size");
  }
  std::vector<ProofPart> parts;
  if (old_size == 0 || old_size == new_size) {
    return parts;
  }
  // RFC 9162 section 2.1.4.1, SUBPROOF, from the root down until the range ends where the old tree does.
  uint64_t begin = 0;
  uint64_t end = new_size;
  while (old_size != end) {
    const uint64_t middle = begin + SplitPoint(end - begin);
    if (old_size <= middle) {
      parts.push_back(CompleteSubtrees(middle, end));
      end = middle;
    } else {
      parts.push_back(CompleteSubtrees(begin, middle));
      begin = middle;
    }
  }
  // The verifier knows this last subtree already when it is the whole old tree.
  if (begin != 0) {
    parts.push_back(CompleteSubtrees(begin, end));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

absl::StatusOr<std::vector<Hash>> BuildInclusionProof(uint64_t index, uint64_t size, const NodeReader& read) {
  ASSIGN_OR_RETURN(const std::vector<ProofPart> parts, InclusionProofNodes(index, size));
  return ReadParts(parts, read);
}

absl::StatusOr<std::vector<Hash>> BuildConsistencyProof(uint64_t old_size, uint64_t new_size,
                                                        const NodeReader& read) {
  ASSIGN_OR_RETURN(const std::vector<ProofPart> parts, ConsistencyProofNodes(old_size, new_size));
  return ReadParts(parts, read);
}

absl::StatusOr<Hash> RootFromNodes(uint64_t size, const NodeReader& read) {
  ASSIGN_OR_RETURN(const Frontier frontier, Frontier::Load(size, read));
  return frontier.root();
}

}  // namespace relais::merkle
