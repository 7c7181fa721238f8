// The keys that may have signed a log's checkpoints.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audit/log.h"
#include "common/directory/directory.h"
#include "common/merkle/note.h"
#include "services/cli/settings.h"

namespace relais::cli {

/// The signed directory of the settings, whose signature is checked with its root keys. FAILED_PRECONDITION
/// saying which options and settings name a log's key when there is none.
[[nodiscard]] absl::StatusOr<directory::Directory> ReadSignedDirectory(const ClientSettings& settings);

struct LogKey {
  std::string service;            // "" for a key given on the command line
  merkle::NoteVerifier verifier;  // its name is the origin
};

/// From `given` (C2SP verifier keys, "<origin>+<id>+<base64>") when there are any; else from
/// ReadSignedDirectory.
[[nodiscard]] absl::StatusOr<std::vector<LogKey>> ReadLogKeys(const ClientSettings& settings,
                                                              const std::vector<std::string>& given);

[[nodiscard]] std::vector<merkle::NoteVerifier> Verifiers(const std::vector<LogKey>& keys);
[[nodiscard]] std::vector<audit::NamedVerifyKey> NamedKeys(const std::vector<LogKey>& keys);

}  // namespace relais::cli
