#include "services/vault/format/sealed_text.h"

#include <algorithm>

#include "services/vault/format/bytes.h"

namespace relais::vault {
namespace {

constexpr std::string_view kMagic("relais\0\x01", 8);  // the last byte is the version of the format
constexpr std::string_view kMagicName = kMagic.substr(0, 7);
constexpr char kSuite = 0x01;        // AES-256-GCM, HKDF-SHA-256
constexpr char kChunkSizeLog2 = 16;  // of kChunkSize
static_assert(size_t{1} << kChunkSizeLog2 == kChunkSize);

absl::Status NoHeader() { return absl::DataLossError("not the header of a sealed text"); }

bool IsWellFormed(const Header& header) {
  if (header.runs.empty() || header.runs.size() > kMaxRuns || header.runs.front().first_chunk != 0) {
    return false;
  }
  const uint64_t most = ChunkCount(kMaxTextSize);
  for (size_t i = 0; i < header.runs.size(); ++i) {
    const Run& run = header.runs[i];
    if (run.salt.size() != kRunSaltSize || run.commitment.size() != kRunCommitmentSize ||
        run.first_chunk >= most || (i > 0 && run.first_chunk <= header.runs[i - 1].first_chunk)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string DocumentContext(const Id128& person, const Id128& document, uint32_t version) {
  std::string context = "D";
  context += person.bytes();
  context += document.bytes();
  AppendBigEndian32(version, context);
  return context;
}

std::string ExportContext(const Id128& export_id) { return "E" + export_id.ToBytes(); }

absl::StatusOr<std::string> EncodeHeader(const Header& header) {
  if (!IsWellFormed(header)) {
    return absl::InvalidArgumentError("runs of a sealed text out of order or bounds");
  }
  std::string bytes(kMagic);
  bytes.reserve(kHeaderFixedSize + header.runs.size() * kRunSize);
  bytes += kSuite;
  bytes += kChunkSizeLog2;
  bytes += static_cast<char>(header.runs.size() >> 8);
  bytes += static_cast<char>(header.runs.size());
  for (const Run& run : header.runs) {
    AppendBigEndian64(run.first_chunk, bytes);
    bytes += run.salt;
    bytes += run.commitment;
  }
  return bytes;
}

absl::StatusOr<size_t> HeaderSize(std::string_view fixed) {
  if (fixed.size() != kHeaderFixedSize || fixed.substr(0, kMagicName.size()) != kMagicName) {
    return NoHeader();
  }
  if (fixed[7] != kMagic[7] || fixed[8] != kSuite || fixed[9] != kChunkSizeLog2) {
    return absl::UnimplementedError("sealed text of another version, suite or chunk size");
  }
  const size_t runs = size_t{static_cast<uint8_t>(fixed[10])} << 8 | static_cast<uint8_t>(fixed[11]);
  if (runs == 0 || runs > kMaxRuns) {
    return NoHeader();
  }
  return kHeaderFixedSize + runs * kRunSize;
}

absl::StatusOr<Header> DecodeHeader(std::string_view bytes) {
  const absl::StatusOr<size_t> size = HeaderSize(bytes.substr(0, kHeaderFixedSize));
  if (!size.ok()) {
    return size.status();
  }
  if (bytes.size() != *size) {
    return NoHeader();
  }
  Header header;
  for (std::string_view rest = bytes.substr(kHeaderFixedSize); !rest.empty(); rest.remove_prefix(kRunSize)) {
    header.runs.push_back({ReadBigEndian64(rest), std::string(rest.substr(8, kRunSaltSize)),
                           std::string(rest.substr(8 + kRunSaltSize, kRunCommitmentSize))});
  }
  if (!IsWellFormed(header)) {
    return NoHeader();
  }
  return header;
}

uint64_t ChunkCount(uint64_t size) { return size == 0 ? 1 : (size - 1) / kChunkSize + 1; }

uint64_t SealedSize(uint64_t size) { return size + ChunkCount(size) * kChunkTagSize; }

size_t SealedChunkSize(uint64_t size, uint64_t chunk) {
  const uint64_t rest = size - chunk * kChunkSize;
  return static_cast<size_t>(std::min<uint64_t>(rest, kChunkSize)) + kChunkTagSize;
}

absl::StatusOr<uint64_t> TextSize(uint64_t sealed_size) {
  const uint64_t whole = sealed_size / kSealedChunkSize;
  const uint64_t rest = sealed_size % kSealedChunkSize;
  // A last chunk of nothing but its tag is only the empty text.
  if ((rest == 0 && whole == 0) || (rest != 0 && rest < kChunkTagSize) ||
      (rest == kChunkTagSize && whole > 0)) {
    return absl::DataLossError("no sealed text has this length");
  }
  const uint64_t size = whole * kChunkSize + (rest == 0 ? 0 : rest - kChunkTagSize);
  if (size > kMaxTextSize) {
    return absl::DataLossError("no sealed text has this length");
  }
  return size;
}

ByteRange ClipRange(uint64_t size, uint64_t offset, uint64_t length) {
  const uint64_t begin = std::min(offset, size);
  const uint64_t left = size - begin;
  return {begin, begin + (length == 0 ? left : std::min(length, left))};
}

}  // namespace relais::vault
