#include "services/vault/format/pieces.h"

#include <algorithm>

#include "common/base/status.h"

namespace relais::vault {
namespace {

ByteRange Common(const ByteRange& a, const ByteRange& b) {
  const uint64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

}  // namespace

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

ByteRange PartOfPiece(uint64_t size, uint64_t piece, const ByteRange& range) {
  return Common(range, TextOfPiece(size, piece));
}

absl::Status OpenFromPiece(const ChunkOpener& opener, uint64_t size, uint64_t piece, std::string_view sealed,
                           const ByteRange& range, std::span<char> out) {
  if (piece >= PieceCount(size) || sealed.size() != SealedSizeOfPiece(size, piece)) {
    return absl::DataLossError("sealed text does not open");
  }
  const ByteRange part = PartOfPiece(size, piece, range);
  if (out.size() != part.length()) {
    return absl::InvalidArgumentError("not as long as the part of a piece");
  }
  if (size == 0) {
    return opener.OpenInto(0, /*last=*/true, sealed, out);
  }
  for (uint64_t at = part.begin; at < part.end;) {
    const uint64_t chunk = at / kChunkSize;
    const bool last = chunk + 1 == ChunkCount(size);
    const std::string_view one = sealed.substr(static_cast<size_t>(chunk % kPieceChunks) * kSealedChunkSize,
                                               SealedChunkSize(size, chunk));
    const ByteRange text{chunk * kChunkSize, chunk * kChunkSize + one.size() - kChunkTagSize};
    const ByteRange wanted = Common(part, text);
    const std::span<char> place = out.subspan(static_cast<size_t>(at - part.begin), wanted.length());
    if (wanted == text) {
      RETURN_IF_ERROR(opener.OpenInto(chunk, last, one, place));
    } else {
      std::string whole;
      RETURN_IF_ERROR(opener.Open(chunk, last, one, &whole));
      whole.copy(place.data(), place.size(), static_cast<size_t>(wanted.begin - text.begin));
    }
    at = wanted.end;
  }
  return absl::OkStatus();
}

}  // namespace relais::vault
