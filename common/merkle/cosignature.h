// Witness cosignatures (c2sp.org/tlog-cosignature, "cosignature/v1"): a witness says that, at a time, a
// checkpoint was the largest consistent tree of that log it had seen. Ed25519 only. Pure and thread-safe.
//
//   signed     "cosignature/v1\ntime <seconds>\n" ‖ the checkpoint's note text
//   signature  seconds since 1970, 8 bytes big-endian ‖ Ed25519 signature, 64 bytes
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/merkle/note.h"

namespace relais::merkle {

/// A witness's signature of `text` (a note text with its final newline) made at `timestamp` (seconds since
/// 1970). INVALID_ARGUMENT for a name that is no key name or a timestamp above 2^63 - 1.
[[nodiscard]] absl::StatusOr<NoteSignature> Cosign(std::string_view text, std::string_view name,
                                                   const crypto::SigningKey& key, uint64_t timestamp);

struct Cosignature {
  size_t witness = 0;      // place in the given verifiers
  uint64_t timestamp = 0;  // seconds since 1970
  size_t line = 0;         // place among the note's signatures
};

/// The cosignatures that the given witnesses (keys of KeyType::kCosignature) made on the note; of several by
/// one witness the latest. Signatures of other keys are ignored; a wrong one of a given witness refuses the
/// note, with INVALID_ARGUMENT. No cosignature at all is an empty list.
[[nodiscard]] absl::StatusOr<std::vector<Cosignature>> VerifyCosignatures(
    const UnverifiedNote& note, std::span<const NoteVerifier> witnesses);

}  // namespace relais::merkle
