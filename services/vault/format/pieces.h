// Pieces: what the vault stores and sends at a time, four chunks of a text (ADR 34). A sealed piece is its
// sealed chunks, one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "services/vault/format/opener.h"
#include "services/vault/format/sealed_text.h"
#include "services/vault/format/sealer.h"

namespace relais::vault {

inline constexpr size_t kPieceChunks = 4;
inline constexpr size_t kPieceSize = kPieceChunks * kChunkSize;  // of text
inline constexpr size_t kSealedPieceSize = kPieceChunks * kSealedChunkSize;

/// Where a piece of `size` bytes of text begins and ends; `piece` < PieceCount(size).
[[nodiscard]] uint64_t PieceCount(uint64_t size);
[[nodiscard]] ByteRange TextOfPiece(uint64_t size, uint64_t piece);
[[nodiscard]] size_t SealedSizeOfPiece(uint64_t size, uint64_t piece);

/// Seals the text of a piece; the sealer stands at its first chunk. `last`: the text ends with it.
/// INVALID_ARGUMENT for a text that is no piece; the sealer must then not be used further.
[[nodiscard]] absl::Status SealPiece(RunSealer& sealer, std::string_view text, bool last, std::string* out);

/// The bytes of `range` that lie in the piece; where there are none, an empty range. Never overflows.
[[nodiscard]] ByteRange PartOfPiece(uint64_t size, uint64_t piece, const ByteRange& range);

/// Opens PartOfPiece into `out`, which has its length: the chunks it lies in and no other; of an empty text
/// its one chunk, as it must be genuine that nothing is there. DATA_LOSS as in opener.h, also for a piece of
/// another length than it must have; `out` may then have some of it. INVALID_ARGUMENT for an `out` of another
/// length.
[[nodiscard]] absl::Status OpenFromPiece(const ChunkOpener& opener, uint64_t size, uint64_t piece,
                                         std::string_view sealed, const ByteRange& range,
                                         std::span<char> out);

}  // namespace relais::vault
