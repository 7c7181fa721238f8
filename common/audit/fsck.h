// Checks the log's own rows of a store, all of them, against one another. Needs nobody else: an operator runs
// it on a stopped service.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/audit/findings.h"
#include "common/base/random.h"
#include "common/crypto/key_ring.h"
#include "common/merkle/note.h"
#include "common/storage/store.h"

namespace relais::audit {

struct FsckOptions {
  std::string origin;
  std::vector<merkle::NoteVerifier> verifiers;  // the log's keys
  /// Checkpoints that were given out, by the name they are reported under: file name, signed note.
  std::vector<std::pair<std::string, std::string>> published;
  /// The log's own ring, only read: opens subject keys, parts P and R, and checks commitments. Null: nothing
  /// sealed is looked into.
  crypto::KeyRing* ring = nullptr;
  std::function<void(uint64_t leaves)> progress = {};
};

/// Checks: leaves dense, well formed, times never decreasing; every node row, and no other; pointers both
/// ways; a key row or tombstone for every subject that has pointers, and pointers for every key; part P
/// opens and the commitment is the subject's; part R opens where its month's key is there; what the log
/// remembers of itself; that published checkpoints are signed and contained.
///
/// Findings are of the store, each naming leaf, row or file; an error is one that kept it from reading on.
/// Memory is bounded. The last leaf of a log of odd size is covered by no node: only by a published
/// checkpoint and by its own seals.
absl::Status FsckStore(const storage::Store& store, const FsckOptions& options, Random& random,
                       Findings& findings);

}  // namespace relais::audit
