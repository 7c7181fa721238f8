// Directory versions that leaves name, as routing archives them, each verified with our own root keys.
#pragma once

#include <map>
#include <memory>

#include "absl/status/statusor.h"
#include "common/directory/sign.h"
#include "services/cli/questions/past.h"
#include "services/cli/session.h"

namespace relais::cli {

/// Not thread-safe. Keeps what it fetched, the last 32 versions asked for.
class PastDirectories final : public questions::DirectoryHistory {
 public:
  /// Reads the root keys of the settings. `session` outlives it.
  static absl::StatusOr<std::unique_ptr<PastDirectories>> Open(Session& session);

  /// Null for a version that routing does not have, and on an error that `status` then tells.
  [[nodiscard]] std::shared_ptr<const directory::Directory> At(uint64_t version) override;
  /// OK; or why a version could not be had: routing does not answer, a signature is wrong.
  [[nodiscard]] const absl::Status& status() const { return status_; }

 private:
  using Versions = std::map<uint64_t, std::shared_ptr<const directory::Directory>>;

  PastDirectories(Session& session, directory::RootKeys roots)
      : session_(session), roots_(std::move(roots)) {}
  absl::StatusOr<std::shared_ptr<const directory::Directory>> Fetch(uint64_t version);

  Session& session_;
  const directory::RootKeys roots_;
  Versions versions_;
  absl::Status status_;
};

}  // namespace relais::cli
