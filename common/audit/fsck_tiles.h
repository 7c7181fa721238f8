// Checks a tiled folder (a mirror, an export) to the last bit, and says what is wrong where.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "common/audit/findings.h"
#include "common/audit/tile_folder.h"
#include "common/merkle/note.h"

namespace relais::audit {

struct FsckTilesOptions {
  std::span<const merkle::NoteVerifier> verifiers = {};
  std::function<void(uint64_t leaves)> progress = {};
  /// Leaves as this suite makes them: well formed, times in order. False for other logs.
  bool check_leaves = true;
};

/// Recomputes every hash from the leaves and holds it against every tile, every partial tile of older
/// checkpoints, and the checkpoint. With one thing damaged it is named exactly: when the leaves lead to the
/// signed root, what differs is the tiles' fault; when the tiles do, it is the leaves'; when neither does,
/// both are named. Findings are of the folder; an error is one of the file system. Memory: one bundle, and
/// the tiles that differ.
absl::Status FsckTiles(const TileFolder& folder, const FsckTilesOptions& options, Findings& findings);

}  // namespace relais::audit
