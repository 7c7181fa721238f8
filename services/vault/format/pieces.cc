#include "services/vault/format/pieces.h"

#include <algorithm>

#include "common/base/status.h"

namespace relais::vault {

uint64_t PieceCount(uint64_t size) { return (ChunkCount(size) - 1) / kPieceChunks + 1; }

ByteRange TextOfPiece(uint64_t size, uint64_t piece) {
  const uint64_t begin = piece * kPieceSize;
  return {begin, std::min<uint64_t>(size, begin + kPieceSize)};
}

size_t SealedSizeOfPiece(uint64_t size, uint64_t piece) {
  return static_cast<size_t>(SealedSize(TextOfPiece(size, piece).length()));
}

absl::Status SealPiece(RunSealer& sealer, std::string_view text, bool last, std::string* out) {
  const bool fits = last ? text.size() <= kPieceSize : text.size() == kPieceSize;
  if (!fits || sealer.next_chunk() % kPieceChunks != 0) {
    return absl::InvalidArgumentError("no piece has this place or length");
  }
  out->reserve(out->size() + text.size() + kPieceChunks * kChunkTagSize);
  do {
    const std::string_view chunk = text.substr(0, kChunkSize);
    text.remove_prefix(chunk.size());
    RETURN_IF_ERROR(sealer.Seal(chunk, last && text.empty(), out));
  } while (!text.empty());
  return absl::OkStatus();
}

absl::Status OpenFromPiece(const ChunkOpener& opener, uint64_t size, uint64_t piece, std::string_view sealed,
                           const ByteRange& range, std::string* out) {
  if (piece >= PieceCount(size) || sealed.size() != SealedSizeOfPiece(size, piece)) {
    return absl::DataLossError("sealed text does not open");
  }
  const ByteRange text = TextOfPiece(size, piece);
  // An empty text has one chunk, which is opened too: that nothing is there must be genuine.
  const uint64_t begin = std::max(range.begin, text.begin);
  const uint64_t end = std::min(range.end, text.end);
  if (begin > end || (begin == end && size != 0)) {
    return absl::OkStatus();
  }
  out->reserve(out->size() + static_cast<size_t>(end - begin) + kChunkSize);
  const uint64_t chunks = ChunkCount(size);
  const uint64_t last = end == 0 ? 0 : (end - 1) / kChunkSize;
  for (uint64_t chunk = begin / kChunkSize; chunk <= last; ++chunk) {
    const size_t at = static_cast<size_t>(chunk % kPieceChunks) * kSealedChunkSize;
    const size_t before = out->size();
    RETURN_IF_ERROR(
        opener.Open(chunk, chunk + 1 == chunks, sealed.substr(at, SealedChunkSize(size, chunk)), out));
    const uint64_t chunk_begin = chunk * kChunkSize;
    if (end < chunk_begin + (out->size() - before)) {
      out->resize(before + static_cast<size_t>(end - chunk_begin));
    }
    if (begin > chunk_begin) {
      out->erase(before, static_cast<size_t>(begin - chunk_begin));
    }
  }
  return absl::OkStatus();
}

}  // namespace relais::vault
