// Checking proofs: RFC 9162 sections 2.1.3.2 and 2.1.4.2. Pure, strict, and independent of how proofs are
// built, so that an auditor can read these two functions and nothing else. OK means proven; INVALID_ARGUMENT
// names the check that failed. A proof that is too long is refused even if a part of it would do.
#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "common/merkle/tree.h"

namespace relais::merkle {

/// That `leaf_hash` is leaf `index` of the tree of `size` leaves with this root.
[[nodiscard]] absl::Status VerifyInclusion(uint64_t index, uint64_t size, const Hash& leaf_hash,
                                           std::span<const Hash> proof, const Hash& root);

/// That the tree of `new_size` begins with the tree of `old_size`. From an empty tree the proof is empty and
/// the old root must be EmptyRoot().
[[nodiscard]] absl::Status VerifyConsistency(uint64_t old_size, uint64_t new_size, const Hash& old_root,
                                             const Hash& new_root, std::span<const Hash> proof);

}  // namespace relais::merkle
