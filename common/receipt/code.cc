#include "common/receipt/code.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/merkle/checkpoint.h"
#include "common/merkle/verify.h"

namespace relais::receipt {
namespace {

constexpr uint8_t kWholeLeaf = 1;
constexpr uint8_t kLeafHash = 2;
constexpr size_t kSignatureSize = 64;
constexpr size_t kKeySize = 32;
constexpr size_t kMostHashes = 63;
constexpr size_t kMostBytes = size_t{4} << 10;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError("receipt code: " + std::string(what));
}

std::string Base32(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<uint8_t>(byte);
    for (held += 8; held >= 5; held -= 5) {
      out += kAlphabet[(bits >> (held - 5)) & 31];
    }
  }
  if (held > 0) {
    out += kAlphabet[(bits << (5 - held)) & 31];
  }
  return out;
}

// Exactly what Base32 writes.
absl::StatusOr<std::string> FromBase32(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int held = 0;
  for (const char letter : text) {
    const size_t value = kAlphabet.find(letter);
    if (value == std::string_view::npos) {
      return Malformed("a character that is none of its alphabet");
    }
    bits = (bits << 5) | static_cast<uint32_t>(value);
    held += 5;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 255);
    }
  }
  if (held >= 5 || (bits & ((1U << held) - 1)) != 0) {
    return Malformed("it is cut short");
  }
  return out;
}

void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 128; value >>= 7) {
    out += static_cast<char>((value & 127) | 128);
  }
  out += static_cast<char>(value);
}

std::string_view Bytes(const merkle::Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

merkle::Hash HashOf(std::string_view bytes) {
  merkle::Hash hash{};
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::string_view> Take(size_t size) {
    if (rest_.size() < size) {
      return std::nullopt;
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // In its shortest form only.
  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = Take(1);
      if (!byte) {
        return std::nullopt;
      }
      const auto bits = static_cast<uint8_t>((*byte)[0]);
      value |= static_cast<uint64_t>(bits & 127) << shift;
      if (bits < 128) {
        const bool shortest = bits != 0 || shift == 0;
        return shortest && (shift < 63 || bits < 2) ? std::optional(value) : std::nullopt;
      }
    }
    return std::nullopt;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// RFC 9162 section 2.1.3.2, which VerifyInclusion then repeats: the root that this path leads to.
std::optional<merkle::Hash> RootOf(uint64_t index, uint64_t size, merkle::Hash hash,
                                   const std::vector<merkle::Hash>& path) {
  if (index >= size) {
    return std::nullopt;
  }
  uint64_t node = index;
  uint64_t last = size - 1;
  for (const merkle::Hash& sibling : path) {
    if (last == 0) {
      return std::nullopt;
    }
    if ((node & 1) != 0 || node == last) {
      hash = merkle::HashNode(sibling, hash);
      for (; (node & 1) == 0 && node != 0; node >>= 1) {
        last >>= 1;
      }
    } else {
      hash = merkle::HashNode(hash, sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  return last == 0 ? std::optional(hash) : std::nullopt;
}

struct Parts {
  uint32_t key_id = 0;
  std::string signature;
  std::vector<merkle::Hash> path;
};

absl::StatusOr<ReadCode> Take(Reader& reader, Parts& parts) {
  ReadCode code;
  const auto form = reader.Take(1);
  const auto key_id = reader.Take(4);
  const auto index = reader.Varint();
  const auto size = reader.Varint();
  const auto count = reader.Take(1);
  if (!form || !key_id || !index || !size || !count) {
    return Malformed("it is cut short");
  }
  for (const char byte : *key_id) {
    parts.key_id = (parts.key_id << 8) | static_cast<uint8_t>(byte);
  }
  const size_t hashes = static_cast<uint8_t>((*count)[0]);
  for (size_t i = 0; i < std::min(hashes, kMostHashes); ++i) {
    if (const auto hash = reader.Take(merkle::kHashSize)) {
      parts.path.push_back(HashOf(*hash));
      code.proof.add_inclusion(std::string(*hash));
    }
  }
  const auto signature = reader.Take(kSignatureSize);
  const auto key = reader.Take(kKeySize);
  if (parts.path.size() != hashes || !signature || !key || reader.rest().empty()) {
    return Malformed("it is cut short");
  }
  parts.signature = std::string(*signature);
  code.leaf_key = std::string(*key);
  code.proof.set_leaf_index(*index);
  code.proof.set_tree_size(*size);
  switch (static_cast<uint8_t>((*form)[0])) {
    case kWholeLeaf:
      code.whole_leaf = true;
      code.leaf_hash = merkle::HashLeaf(reader.rest());
      code.proof.set_leaf(std::string(reader.rest()));
      code.proof.set_leaf_key(code.leaf_key);
      return code;
    case kLeafHash:
      if (reader.rest().size() != merkle::kHashSize) {
        return Malformed("it is cut short");
      }
      code.leaf_hash = HashOf(reader.rest());
      return code;
    default:
      return Malformed("a form of a later version");
  }
}

std::string Compact(std::string_view text) {
  std::string out;
  for (const char each : text) {
    if (std::isspace(static_cast<unsigned char>(each)) == 0) {
      out += static_cast<char>(std::toupper(static_cast<unsigned char>(each)));
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> MakeCode(const common::v1::Proof& proof) {
  ASSIGN_OR_RETURN(const merkle::UnverifiedNote note, merkle::ParseNote(proof.checkpoint()));
  ASSIGN_OR_RETURN(const merkle::Checkpoint checkpoint, merkle::ParseCheckpoint(note.text));
  const auto signature = std::find_if(note.signatures.begin(), note.signatures.end(), [&](const auto& each) {
    return each.name == checkpoint.origin && each.signature.size() == kSignatureSize;
  });
  if (signature == note.signatures.end() || !checkpoint.extensions.empty() ||
      checkpoint.size != proof.tree_size() || checkpoint.origin != proof.origin()) {
    return Malformed("the checkpoint is none that a code can hold");
  }
  if (proof.leaf_key().size() != kKeySize || static_cast<size_t>(proof.inclusion_size()) > kMostHashes) {
    return Malformed("the proof has no leaf key");
  }
  std::string tail;
  for (int shift = 24; shift >= 0; shift -= 8) {
    tail += static_cast<char>((signature->key_id >> shift) & 255);
  }
  PutVarint(tail, proof.leaf_index());
  PutVarint(tail, proof.tree_size());
  tail += static_cast<char>(proof.inclusion_size());
  for (const std::string& hash : proof.inclusion()) {
    if (hash.size() != merkle::kHashSize) {
      return Malformed("the proof has a hash that is none");
    }
    tail += hash;
  }
  tail += signature->signature + proof.leaf_key();
  const std::string whole = std::string(1, kWholeLeaf) + tail + proof.leaf();
  const std::string prefix(kCodePrefix);
  if (prefix.size() + (whole.size() * 8 + 4) / 5 <= kMostCodeLength) {
    return prefix + Base32(whole);
  }
  const merkle::Hash hash = merkle::HashLeaf(proof.leaf());
  return prefix + Base32(std::string(1, kLeafHash) + tail + std::string(Bytes(hash)));
}

std::string_view CodeIn(std::string_view text) {
  if (Compact(text.substr(0, size_t{4} << 10)).starts_with(kCodePrefix)) {
    return text;
  }
  const size_t from = text.rfind(kCodePrefix);
  if (from == std::string_view::npos) {
    return "";
  }
  const size_t end =
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567 \t\r\n", from + kCodePrefix.size());
  return text.substr(from, end == std::string_view::npos ? end : end - from);
}

absl::StatusOr<ReadCode> ParseCode(std::string_view text, std::span<const merkle::NoteVerifier> verifiers) {
  if (text.size() > 4 * kMostBytes) {
    return Malformed("it is too long");
  }
  const std::string compact = Compact(text);
  if (!compact.starts_with(kCodePrefix)) {
    return Malformed("it does not begin with RELAIS1:");
  }
  ASSIGN_OR_RETURN(const std::string bytes, FromBase32(std::string_view(compact).substr(kCodePrefix.size())));
  Reader reader(bytes);
  Parts parts;
  ASSIGN_OR_RETURN(ReadCode code, Take(reader, parts));
  const auto verifier = std::find_if(verifiers.begin(), verifiers.end(), [&](const auto& each) {
    return merkle::NoteKeyId(each.name, each.key) == parts.key_id;
  });
  if (verifier == verifiers.end()) {
    return Malformed("it is signed with a key that is not known here");
  }
  const auto root = RootOf(code.proof.leaf_index(), code.proof.tree_size(), code.leaf_hash, parts.path);
  if (!root) {
    return Malformed("its path leads to no root");
  }
  ASSIGN_OR_RETURN(std::string checkpoint,
                   merkle::FormatCheckpoint({verifier->name, code.proof.tree_size(), *root, {}}));
  merkle::UnverifiedNote note;
  note.text = std::move(checkpoint);
  note.signatures.push_back({verifier->name, parts.key_id, std::move(parts.signature)});
  ASSIGN_OR_RETURN(*code.proof.mutable_checkpoint(), merkle::FormatNote(note));
  code.proof.set_origin(verifier->name);
  return code;
}

absl::Status VerifyCode(const ReadCode& code, std::span<const merkle::NoteVerifier> verifiers) {
  ASSIGN_OR_RETURN(const merkle::Checkpoint checkpoint,
                   merkle::OpenCheckpoint(code.proof.checkpoint(), code.proof.origin(), verifiers));
  std::vector<merkle::Hash> path;
  for (const std::string& hash : code.proof.inclusion()) {
    path.push_back(HashOf(hash));
  }
  return merkle::VerifyInclusion(code.proof.leaf_index(), checkpoint.size, code.leaf_hash, path,
                                 checkpoint.root);
}

}  // namespace relais::receipt
