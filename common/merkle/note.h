// Signed notes (c2sp.org/signed-note) with Ed25519 keys: text, an empty line, then one line per signature,
// "— <key name> <base64 of key id(4) ‖ signature(64)>". Pure and thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/crypto/ed25519.h"

namespace relais::merkle {

/// Notes above these bounds are refused.
inline constexpr size_t kMaxNoteBytes = 1'000'000;
inline constexpr size_t kMaxNoteSignatures = 100;

/// A key that is trusted for a name. Names are not empty and hold no space and no '+'; by custom a
/// schema-less URL, the log's origin.
struct NoteVerifier {
  std::string name;
  crypto::VerifyKey key;
};

/// Signature type identifier bytes of signed-note.
enum class KeyType : uint8_t {
  kEd25519 = 0x01,      // a signature of the text: logs
  kCosignature = 0x04,  // a timestamped cosignature: witnesses (cosignature.h)
};

/// SHA-256(name ‖ 0x0A ‖ type ‖ public key), its first four bytes as a big-endian number.
[[nodiscard]] uint32_t NoteKeyId(std::string_view name, const crypto::VerifyKey& key,
                                 KeyType type = KeyType::kEd25519);

/// "<name>+<key id in 8 lower-case hexadecimal digits>+<base64 of type ‖ public key>", as directories list
/// it.
[[nodiscard]] std::string VerifierKeyString(std::string_view name, const crypto::VerifyKey& key,
                                            KeyType type = KeyType::kEd25519);
/// INVALID_ARGUMENT for anything VerifierKeyString would not write, another type included.
[[nodiscard]] absl::StatusOr<NoteVerifier> ParseVerifierKey(std::string_view text,
                                                            KeyType type = KeyType::kEd25519);

/// A signature line as it stands: nothing about it is proven.
struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string signature;  // without the key id
};
struct UnverifiedNote {
  std::string text;  // with its final newline
  std::vector<NoteSignature> signatures;
};
/// Takes a well-formed note apart. INVALID_ARGUMENT names what is malformed.
[[nodiscard]] absl::StatusOr<UnverifiedNote> ParseNote(std::string_view note);
/// The reverse of ParseNote, byte for byte. INVALID_ARGUMENT for what ParseNote would refuse.
[[nodiscard]] absl::StatusOr<std::string> FormatNote(const UnverifiedNote& note);
/// "— <name> <base64>\n".
[[nodiscard]] std::string FormatSignatureLine(const NoteSignature& signature);

/// The note of `text` with one signature. INVALID_ARGUMENT unless the text is UTF-8, ends in a newline and
/// holds no other control character, and the name is a key name.
[[nodiscard]] absl::StatusOr<std::string> SignNote(std::string_view text, std::string_view name,
                                                   const crypto::SigningKey& key);
/// A well-formed note with one signature more (key rotation, witnesses). The signatures there are not
/// checked. ALREADY_EXISTS if this name and key id has signed.
[[nodiscard]] absl::StatusOr<std::string> AddSignature(std::string_view note, std::string_view name,
                                                       const crypto::SigningKey& key);

struct VerifiedNote {
  /// With its final newline.
  std::string text;
  /// Which of the given verifiers signed: positions in the span, in the order of the signatures.
  std::vector<size_t> signed_by;
};

/// Checks a note. Signatures of keys that are not given are ignored; a wrong one of a given key refuses the
/// note; so does the lack of any right one. INVALID_ARGUMENT says which.
[[nodiscard]] absl::StatusOr<VerifiedNote> VerifyNote(std::string_view note,
                                                      std::span<const NoteVerifier> verifiers);

}  // namespace relais::merkle
