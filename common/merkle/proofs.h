// Building proofs from stored nodes. Pure; O(log size) reads each.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/merkle/tree.h"

namespace relais::merkle {

/// One hash of a proof: the complete subtrees, left to right, whose fold it is. Mostly one; several at the
/// right edge of a tree whose size is no power of two.
using ProofPart = std::vector<NodeId>;

/// The parts of the proof in its order, from the leaf up. INVALID_ARGUMENT unless index < size <= 2^62.
[[nodiscard]] absl::StatusOr<std::vector<ProofPart>> InclusionProofNodes(uint64_t index, uint64_t size);

/// The same for RFC 9162 section 2.1.4.1. Empty when the sizes are equal or the old tree is empty.
/// INVALID_ARGUMENT unless old_size <= new_size <= 2^62.
[[nodiscard]] absl::StatusOr<std::vector<ProofPart>> ConsistencyProofNodes(uint64_t old_size,
                                                                           uint64_t new_size);

/// The hashes of the above. Errors of `read` are passed on.
[[nodiscard]] absl::StatusOr<std::vector<Hash>> BuildInclusionProof(uint64_t index, uint64_t size,
                                                                    const NodeReader& read);
[[nodiscard]] absl::StatusOr<std::vector<Hash>> BuildConsistencyProof(uint64_t old_size, uint64_t new_size,
                                                                      const NodeReader& read);

/// The root at any size up to what is stored; EmptyRoot() for 0.
[[nodiscard]] absl::StatusOr<Hash> RootFromNodes(uint64_t size, const NodeReader& read);

}  // namespace relais::merkle
