// Checkpoints (c2sp.org/tlog-checkpoint): a log's tree head as the text of a signed note. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/crypto/ed25519.h"
#include "common/merkle/note.h"
#include "common/merkle/tree.h"

namespace relais::merkle {

struct Checkpoint {
  /// The log's unique name, which is also the name of its key.
  std::string origin;
  uint64_t size = 0;
  Hash root{};
  /// Extension lines, usually none.
  std::vector<std::string> extensions;

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The note text: origin, size, base64 of the root, extensions, each on its line. INVALID_ARGUMENT when the
/// origin or an extension is empty, not UTF-8 or holds a control character.
[[nodiscard]] absl::StatusOr<std::string> FormatCheckpoint(const Checkpoint& checkpoint);
/// Accepts exactly what FormatCheckpoint writes; INVALID_ARGUMENT names the line that is wrong. Proves
/// nothing: see OpenCheckpoint.
[[nodiscard]] absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text);

/// A signed note whose key name is the origin, which must be a key name.
[[nodiscard]] absl::StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint,
                                                         const crypto::SigningKey& key);
/// Verifies a note against the keys of the log `origin` and parses it. INVALID_ARGUMENT for a note that does
/// not verify (see VerifyNote) or is of another origin. Verifiers of other names count for nothing.
[[nodiscard]] absl::StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, std::string_view origin,
                                                        std::span<const NoteVerifier> verifiers);

}  // namespace relais::merkle
