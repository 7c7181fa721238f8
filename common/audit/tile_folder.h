// A folder that holds a tiled log (c2sp.org/tlog-tiles): `checkpoint`, `tile/<level>/…`, `tile/entries/…`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/merkle/tiles.h"

namespace relais::audit {

inline constexpr std::string_view kCheckpointFile = "checkpoint";
/// Names at the top of the folder that belong to no log: what a writer keeps there, and evidence.
inline constexpr std::string_view kWriterLock = ".lock";
inline constexpr std::string_view kUnfinished = ".unfinished";
inline constexpr std::string_view kEvidencePrefix = "evidence-";

/// Every file is replaced whole: written beside, then renamed. After a crash of the machine, what was written
/// since the last Sync may be missing or empty, never half of one and half of another. Paths are relative to
/// the folder. Errors of the file system are UNAVAILABLE with its reason. Not thread-safe.
class TileFolder {
 public:
  /// For one writer at a time: makes the folder when it is missing. FAILED_PRECONDITION when another process
  /// writes there.
  static absl::StatusOr<std::unique_ptr<TileFolder>> OpenForWriting(const std::string& path);
  /// For reading, beside a writer or not. NOT_FOUND when there is no such folder.
  static absl::StatusOr<std::unique_ptr<TileFolder>> OpenForReading(const std::string& path);
  ~TileFolder();
  TileFolder(const TileFolder&) = delete;
  TileFolder& operator=(const TileFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string PathOf(std::string_view relative) const;

  /// nullopt when there is no such file; INVALID_ARGUMENT when it is longer than any file of a tiled log.
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> Read(std::string_view relative) const;
  /// NOT_FOUND when the tile is missing, INVALID_ARGUMENT when it has another size; both name it.
  [[nodiscard]] absl::StatusOr<std::vector<merkle::Hash>> ReadTile(const merkle::TileId& tile) const;
  /// The same for a bundle: its bytes, whatever they are.
  [[nodiscard]] absl::StatusOr<std::string> ReadBundle(uint64_t index, uint32_t width) const;
  [[nodiscard]] merkle::TileReader Tiles() const;

  /// Replaces a file; durable after the next Sync.
  absl::Status Write(std::string_view relative, std::string_view bytes);
  /// All that was written is durable on OK.
  absl::Status Sync();
  /// Replaces a file; durable on OK.
  absl::Status WriteDurably(std::string_view relative, std::string_view bytes);
  /// Removes a file or an emptied folder; one that is not there is fine.
  absl::Status Remove(std::string_view relative);

  /// Every file below `relative` ("" for all), by path relative to this folder, in no order.
  absl::Status List(std::string_view relative, const std::function<void(const std::string&)>& take) const;

 private:
  explicit TileFolder(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  int lock_ = -1;
};

}  // namespace relais::audit
