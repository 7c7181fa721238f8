// A verified local copy of a log: trusts nothing it is given but the log's keys and what it holds already.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/evidence.h"
#include "common/audit/log_source.h"
#include "common/audit/tile_folder.h"
#include "common/audit/tile_writer.h"
#include "common/base/clock.h"
#include "common/merkle/checkpoint.h"

namespace relais::audit {

struct MirrorOptions {
  std::vector<merkle::NoteVerifier> verifiers;  // the log's keys; a key's name is an origin
  /// Leaves between two proofs that what came so far belongs to the log.
  uint64_t proof_interval = uint64_t{1} << 16;
  /// Called now and then with how far the copy is; may be empty.
  std::function<void(uint64_t size)> progress = {};
};

struct MirrorReport {
  uint64_t before = 0;  // leaves held when the update began
  uint64_t reused = 0;  // leaves that an earlier, interrupted run had left
  uint64_t fetched = 0;
  merkle::Checkpoint checkpoint;  // now held
};

/// The folder is a tiled log (tile_folder.h) whose `checkpoint` is written last: whatever a crash leaves, it
/// is a whole copy of the last checkpoint's log, and perhaps leaves beyond, which the next run proves or
/// drops. Holds one bundle in memory. Not thread-safe.
class Mirror {
 public:
  /// DATA_LOSS when the copy itself is damaged, which says nothing about the log: fsck says where.
  static absl::StatusOr<std::unique_ptr<Mirror>> Open(const std::string& path, MirrorOptions options,
                                                      const Clock& clock);

  /// Brings the copy up to the source's latest checkpoint of at least `min_size` leaves.
  ///
  /// ABORTED is an alarm: the log is caught at a fork, a roll-back, an altered leaf, another origin or a
  /// checkpoint nobody signed. The message says which, and where the evidence is. The copy stays what it was.
  /// Other errors: the source's; UNAVAILABLE from the file system; DATA_LOSS as Open.
  absl::StatusOr<MirrorReport> Update(LogSource& source, uint64_t min_size, absl::Duration wait);

  /// What it holds; nullopt before the first update.
  [[nodiscard]] const std::optional<merkle::Checkpoint>& held() const { return held_; }

 private:
  Mirror(std::unique_ptr<TileFolder> folder, MirrorOptions options, const Clock& clock);

  absl::Status LoadHeld();
  absl::StatusOr<merkle::Checkpoint> OpenOffered(const std::string& note);
  absl::Status CheckAgainstHeld(const merkle::Checkpoint& offered, LogSource& source);
  absl::StatusOr<TileWriter> ResumeHeld();
  absl::StatusOr<uint64_t> Reuse(TileWriter& writer, const merkle::Checkpoint& offered, LogSource& source);
  absl::Status Fetch(TileWriter& writer, const merkle::Checkpoint& offered, LogSource& source);
  absl::Status CheckPrefix(const TileWriter& writer, uint64_t proven, const merkle::Checkpoint& offered,
                           LogSource& source);
  absl::Status BlameLeaf(const TileWriter& writer, uint64_t proven, const merkle::Checkpoint& offered,
                         LogSource& source);
  absl::Status Publish(TileWriter& writer, const std::string& note);
  absl::Status DropFilledPartials(uint64_t before, uint64_t now);
  absl::Status Alarm(Evidence evidence);

  const std::unique_ptr<TileFolder> folder_;
  const MirrorOptions options_;
  const Clock& clock_;
  std::optional<merkle::Checkpoint> held_;
  std::string held_note_;
  std::string offered_note_;  // of the update under way, for evidence
};

}  // namespace relais::audit
