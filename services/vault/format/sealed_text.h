// How a text is sealed: what a header and chunks look like, and where a byte of the text lies
// (docs/formats.md, "Sealed text"; ADR 36). Pure; nothing here is secret.
//
// A text of n bytes is max(1, ceil(n / 65536)) chunks; all but the last have 65,536 bytes of text, the last
// has the rest: none only where the text is empty. A sealed chunk is the text's chunk and a tag of 16 bytes.
// A run is what one sealer sealed: the chunks from its first one to the next run's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/id128.h"

namespace relais::vault {

inline constexpr size_t kChunkSize = size_t{1} << 16;
inline constexpr size_t kChunkTagSize = 16;
inline constexpr size_t kSealedChunkSize = kChunkSize + kChunkTagSize;
/// 1 TiB. Beyond it nothing is sealed or opened.
inline constexpr uint64_t kMaxTextSize = uint64_t{1} << 40;
/// One, and one for each interruption of its upload that the sealer did not outlive (ADR 55).
inline constexpr size_t kMaxRuns = 1024;
inline constexpr size_t kRunSaltSize = 32;
inline constexpr size_t kRunCommitmentSize = 32;
inline constexpr size_t kHeaderFixedSize = 12;
inline constexpr size_t kRunSize = 8 + kRunSaltSize + kRunCommitmentSize;

/// What a sealed text is about: goes into its keys, so that it opens as nothing else. Binary.
[[nodiscard]] std::string DocumentContext(const Id128& person, const Id128& document, uint32_t version);
/// Of an export that is sealed on its own: names no person.
[[nodiscard]] std::string ExportContext(const Id128& export_id);

struct Run {
  uint64_t first_chunk = 0;
  std::string salt;        // kRunSaltSize bytes
  std::string commitment;  // kRunCommitmentSize bytes

  friend bool operator==(const Run&, const Run&) = default;
};

/// At least one run, the first one at chunk 0, in ascending order.
struct Header {
  std::vector<Run> runs;

  friend bool operator==(const Header&, const Header&) = default;
};

/// INVALID_ARGUMENT when it breaks the rules above or has more than kMaxRuns.
[[nodiscard]] absl::StatusOr<std::string> EncodeHeader(const Header& header);
/// DATA_LOSS for anything but what EncodeHeader writes, whole and nothing after it; UNIMPLEMENTED for another
/// format version, suite or chunk size.
[[nodiscard]] absl::StatusOr<Header> DecodeHeader(std::string_view bytes);
/// How long the header is that starts with these kHeaderFixedSize bytes. The same errors.
[[nodiscard]] absl::StatusOr<size_t> HeaderSize(std::string_view fixed);

/// `size` <= kMaxTextSize in all that follows.
[[nodiscard]] uint64_t ChunkCount(uint64_t size);
/// Of all chunks together, without the header.
[[nodiscard]] uint64_t SealedSize(uint64_t size);
/// Of one chunk; `chunk` < ChunkCount(size).
[[nodiscard]] size_t SealedChunkSize(uint64_t size, uint64_t chunk);
/// The other way round. DATA_LOSS when no text has so many bytes of chunks.
[[nodiscard]] absl::StatusOr<uint64_t> TextSize(uint64_t sealed_size);

/// Which bytes a request for `length` bytes (0: to the end) from `offset` means. Empty beyond the end. Never
/// overflows.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // exclusive

  [[nodiscard]] uint64_t length() const { return end - begin; }
  [[nodiscard]] bool empty() const { return begin == end; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};
[[nodiscard]] ByteRange ClipRange(uint64_t size, uint64_t offset, uint64_t length);

}  // namespace relais::vault
