// The last checkpoint given out, kept outside the store so that a roll-back of the store shows. Private to
// common/audit.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace relais::audit::internal {

/// Two files: `path`, replaced whole for every checkpoint, and `path`.synced, replaced with an fsync when
/// asked. A power cut may damage the first, never both. Not thread-safe.
class PublishedFile {
 public:
  explicit PublishedFile(std::string path) : path_(std::move(path)) {}

  /// UNAVAILABLE when the file system fails.
  [[nodiscard]] absl::Status Write(std::string_view text, bool sync) const;
  /// What `path` holds and what `path`.synced holds; nullopt for a file that is not there.
  struct Content {
    std::optional<std::string> last;
    std::optional<std::string> synced;
  };
  [[nodiscard]] absl::StatusOr<Content> Read() const;

 private:
  std::string path_;
};

}  // namespace relais::audit::internal
