#include "common/merkle/cosignature.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/merkle/utf8.h"

namespace relais::merkle {
namespace {

constexpr size_t kTimestampSize = 8;
constexpr uint64_t kMaxTimestamp = (uint64_t{1} << 63) - 1;

std::string Message(std::string_view text, uint64_t timestamp) {
  return absl::StrCat("cosignature/v1\ntime ", timestamp, "\n").append(text);
}

std::string EncodeTimestamp(uint64_t timestamp) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(timestamp >> shift));
  }
  return bytes;
}

uint64_t DecodeTimestamp(std::string_view bytes) {
  uint64_t timestamp = 0;
  for (size_t i = 0; i < kTimestampSize; ++i) {
    timestamp = timestamp << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return timestamp;
}

absl::StatusOr<uint64_t> Verify(std::string_view text, const NoteSignature& line,
                                const crypto::VerifyKey& key) {
  if (line.signature.size() != kTimestampSize + crypto::kEd25519SignatureSize) {
    return absl::InvalidArgumentError("cosignature: wrong length");
  }
  const uint64_t timestamp = DecodeTimestamp(line.signature);
  if (timestamp > kMaxTimestamp) {
    return absl::InvalidArgumentError("cosignature: timestamp out of range");
  }
  if (!key.Verify(Message(text, timestamp), std::string_view(line.signature).substr(kTimestampSize))) {
    return absl::InvalidArgumentError("cosignature: wrong signature of a known witness");
  }
  return timestamp;
}

std::optional<size_t> FindWitness(const NoteSignature& line, std::span<const NoteVerifier> witnesses) {
  for (size_t i = 0; i < witnesses.size(); ++i) {
    if (witnesses[i].name == line.name &&
        NoteKeyId(line.name, witnesses[i].key, KeyType::kCosignature) == line.key_id) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<NoteSignature> Cosign(std::string_view text, std::string_view name,
                                     const crypto::SigningKey& key, uint64_t timestamp) {
  if (!internal::IsKeyName(name)) {
    return absl::InvalidArgumentError("cosignature: bad key name");
  }
  if (timestamp > kMaxTimestamp) {
    return absl::InvalidArgumentError("cosignature: timestamp out of range");
  }
  return NoteSignature{std::string(name), NoteKeyId(name, key.verify_key(), KeyType::kCosignature),
                       EncodeTimestamp(timestamp) + key.Sign(Message(text, timestamp))};
}

absl::StatusOr<std::vector<Cosignature>> VerifyCosignatures(const UnverifiedNote& note,
                                                            std::span<const NoteVerifier> witnesses) {
  std::vector<Cosignature> found;
  for (size_t i = 0; i < note.signatures.size(); ++i) {
    const std::optional<size_t> witness = FindWitness(note.signatures[i], witnesses);
    if (!witness.has_value()) {
      continue;
    }
    ASSIGN_OR_RETURN(const uint64_t timestamp,
                     Verify(note.text, note.signatures[i], witnesses[*witness].key));
    const auto same = std::find_if(found.begin(), found.end(),
                                   [&](const Cosignature& other) { return other.witness == *witness; });
    if (same == found.end()) {
      found.push_back({*witness, timestamp, i});
    } else if (timestamp > same->timestamp) {
      *same = {*witness, timestamp, i};
    }
  }
  return found;
}

}  // namespace relais::merkle
