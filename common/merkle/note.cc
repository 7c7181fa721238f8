#include "common/merkle/note.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/crypto/encoding.h"
#include "common/crypto/sha256.h"
#include "common/merkle/utf8.h"

namespace relais::merkle {
namespace {

constexpr size_t kKeyIdSize = 4;
constexpr std::string_view kDash = "\xe2\x80\x94 ";

absl::Status Malformed(const char* what) { return absl::InvalidArgumentError(what); }

std::string TypeAndKey(const crypto::VerifyKey& key, KeyType type) {
  return static_cast<char>(type) + key.bytes();
}

uint32_t ReadBigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < kKeyIdSize; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

std::string BigEndian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string FormatLine(std::string_view name, const crypto::SigningKey& key, std::string_view text) {
  return FormatSignatureLine({std::string(name), NoteKeyId(name, key.verify_key()), key.Sign(text)});
}

// `line` without its newline.
absl::StatusOr<NoteSignature> ParseLine(std::string_view line) {
  if (line.substr(0, kDash.size()) != kDash) {
    return Malformed("note: a signature line does not begin with an em dash");
  }
  line.remove_prefix(kDash.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !internal::IsKeyName(line.substr(0, space))) {
    return Malformed("note: bad key name in a signature line");
  }
  const absl::StatusOr<std::string> blob = crypto::Base64Decode(line.substr(space + 1));
  if (!blob.ok() || blob->size() <= kKeyIdSize) {
    return Malformed("note: bad signature encoding");
  }
  return NoteSignature{std::string(line.substr(0, space)), ReadBigEndian(*blob), blob->substr(kKeyIdSize)};
}

// Which verifier made this signature; nothing for an unknown key.
absl::StatusOr<std::optional<size_t>> FindVerifier(const NoteSignature& line,
                                                   std::span<const NoteVerifier> verifiers) {
  std::optional<size_t> found;
  for (size_t i = 0; i < verifiers.size(); ++i) {
    if (verifiers[i].name != line.name || NoteKeyId(verifiers[i].name, verifiers[i].key) != line.key_id) {
      continue;
    }
    if (found) {
      return Malformed("note: two given keys have the same name and id");
    }
    found = i;
  }
  return found;
}

}  // namespace

absl::StatusOr<UnverifiedNote> ParseNote(std::string_view note) {
  if (note.size() > kMaxNoteBytes) {
    return Malformed("note: too long");
  }
  if (!internal::IsNoteText(note)) {
    return Malformed("note: not UTF-8 or holds a control character");
  }
  // The last empty line: the text may have others.
  const size_t gap = note.rfind("\n\n");
  if (gap == std::string_view::npos || note.back() != '\n') {
    return Malformed("note: no signatures or no final newline");
  }
  UnverifiedNote parsed;
  parsed.text = std::string(note.substr(0, gap + 1));
  std::string_view rest = note.substr(gap + 2);
  if (rest.empty()) {
    return Malformed("note: no signatures or no final newline");
  }
  while (!rest.empty()) {
    if (parsed.signatures.size() == kMaxNoteSignatures) {
      return Malformed("note: too many signatures");
    }
    const size_t end = rest.find('\n');
    ASSIGN_OR_RETURN(NoteSignature line, ParseLine(rest.substr(0, end)));
    parsed.signatures.push_back(std::move(line));
    rest.remove_prefix(end + 1);
  }
  return parsed;
}

std::string FormatSignatureLine(const NoteSignature& signature) {
  std::string line(kDash);
  line.append(signature.name).append(" ");
  return line.append(crypto::Base64Encode(BigEndian(signature.key_id) + signature.signature)).append("\n");
}

absl::StatusOr<std::string> FormatNote(const UnverifiedNote& note) {
  std::string text = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    text += FormatSignatureLine(signature);
  }
  RETURN_IF_ERROR(ParseNote(text).status());
  return text;
}

uint32_t NoteKeyId(std::string_view name, const crypto::VerifyKey& key, KeyType type) {
  return ReadBigEndian(crypto::AsBytes(crypto::Sha256Digest({name, "\n", TypeAndKey(key, type)})));
}

std::string VerifierKeyString(std::string_view name, const crypto::VerifyKey& key, KeyType type) {
  std::string text(name);
  return text.append(absl::StrFormat("+%08x+", NoteKeyId(name, key, type)))
      .append(crypto::Base64Encode(TypeAndKey(key, type)));
}

absl::StatusOr<NoteVerifier> ParseVerifierKey(std::string_view text, KeyType type) {
  const size_t first = text.find('+');
  const size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || !internal::IsKeyName(text.substr(0, first))) {
    return Malformed("verifier key: not <name>+<id>+<key>");
  }
  // Base64 uses '+' as well, so everything after the second one is the key.
  const absl::StatusOr<std::string> blob = crypto::Base64Decode(text.substr(second + 1));
  if (!blob.ok() || blob->empty() || blob->front() != static_cast<char>(type)) {
    return Malformed(type == KeyType::kEd25519 ? "verifier key: not an Ed25519 key"
                                               : "verifier key: not a witness's Ed25519 key");
  }
  ASSIGN_OR_RETURN(crypto::VerifyKey key, crypto::VerifyKey::FromBytes(std::string_view(*blob).substr(1)));
  NoteVerifier verifier{std::string(text.substr(0, first)), std::move(key)};
  if (VerifierKeyString(verifier.name, verifier.key, type) != text) {
    return Malformed("verifier key: id does not fit name and key");
  }
  return verifier;
}

absl::StatusOr<std::string> SignNote(std::string_view text, std::string_view name,
                                     const crypto::SigningKey& key) {
  if (text.empty() || text.back() != '\n' || text.size() > kMaxNoteBytes / 2 || !internal::IsNoteText(text)) {
    return Malformed("note: text must be UTF-8 and end in a newline");
  }
  if (!internal::IsKeyName(name)) {
    return Malformed("note: bad key name");
  }
  std::string note(text);
  return note.append("\n").append(FormatLine(name, key, text));
}

absl::StatusOr<std::string> AddSignature(std::string_view note, std::string_view name,
                                         const crypto::SigningKey& key) {
  ASSIGN_OR_RETURN(const UnverifiedNote parsed, ParseNote(note));
  if (!internal::IsKeyName(name)) {
    return Malformed("note: bad key name");
  }
  const uint32_t id = NoteKeyId(name, key.verify_key());
  for (const NoteSignature& line : parsed.signatures) {
    if (line.name == name && line.key_id == id) {
      return absl::AlreadyExistsError("note: this key has signed already");
    }
  }
  std::string longer(note);
  longer.append(FormatLine(name, key, parsed.text));
  RETURN_IF_ERROR(ParseNote(longer).status());
  return longer;
}

absl::StatusOr<VerifiedNote> VerifyNote(std::string_view note, std::span<const NoteVerifier> verifiers) {
  ASSIGN_OR_RETURN(const UnverifiedNote parsed, ParseNote(note));
  VerifiedNote verified;
  for (const NoteSignature& line : parsed.signatures) {
    ASSIGN_OR_RETURN(const std::optional<size_t> by, FindVerifier(line, verifiers));
    if (!by) {
      continue;
    }
    if (!verifiers[*by].key.Verify(parsed.text, line.signature)) {
      return Malformed("note: wrong signature of a known key");
    }
    if (std::find(verified.signed_by.begin(), verified.signed_by.end(), *by) == verified.signed_by.end()) {
      verified.signed_by.push_back(*by);
    }
  }
  if (verified.signed_by.empty()) {
    return Malformed("note: no signature of a known key");
  }
  verified.text = parsed.text;
  return verified;
}

}  // namespace relais::merkle
