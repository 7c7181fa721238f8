// Offline proofs in one text file (c2sp.org/tlog-proof@v1): a leaf's place, its inclusion proof, the signed
// and perhaps cosigned checkpoint. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/merkle/tree.h"
#include "common/merkle/witness_policy.h"

namespace relais::merkle {

inline constexpr size_t kMaxProofExtra = size_t{64} << 10;

struct TlogProof {
  std::optional<std::string> extra;  // opaque bytes, authenticated by nothing
  uint64_t index = 0;
  std::vector<Hash> hashes;  // inclusion, from the leaf's sibling up; at most 63
  std::string checkpoint;    // a signed note, verbatim
};

/// INVALID_ARGUMENT when the checkpoint is no note, or there are too many hashes or bytes.
[[nodiscard]] absl::StatusOr<std::string> FormatTlogProof(const TlogProof& proof);
/// Accepts exactly what FormatTlogProof writes. INVALID_ARGUMENT names the line. Proves nothing.
[[nodiscard]] absl::StatusOr<TlogProof> ParseTlogProof(std::string_view text);
/// True when the text's first line says that it is one.
[[nodiscard]] bool LooksLikeTlogProof(std::string_view text);

/// That `leaf` is in the log, at the proof's index, under a checkpoint that OpenWitnessed accepts.
[[nodiscard]] absl::StatusOr<WitnessedCheckpoint> VerifyTlogProof(const TlogProof& proof,
                                                                  std::string_view leaf,
                                                                  const WitnessPolicy& policy,
                                                                  std::span<const NoteVerifier> logs);

}  // namespace relais::merkle
